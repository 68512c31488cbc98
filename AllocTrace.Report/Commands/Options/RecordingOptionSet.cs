using System.CommandLine;
using System.CommandLine.Parsing;

using AllocTrace.Sessions;

namespace AllocTrace.Report.Commands;

/// <summary>The options of the commands that begin a recording. They become <see cref="RecordingOptions"/>.</summary>
internal sealed class RecordingOptionSet
{
    private const long SmallestLimit = 4 << 20;

    private readonly Option<uint> _frames = new("--frames") { Description = "The number of innermost frames to keep of each stack; 0 for all.", HelpName = "N" };
    private readonly Option<long?> _sample = SizeOption.Create("--sample", "Record one allocation per SIZE bytes on average, and report estimates; 0 records every allocation.");
    private readonly Option<string> _domains = new("--domains") { Description = "The allocator domains to hook, joined by +.", HelpName = "raw+mem+obj" };
    private readonly Option<string> _children = new("--children") { Description = "Follow fork and exec." };
    private readonly Option<long?> _limit = SizeOption.Create("--limit", "The largest session in shared memory. [default: 1GiB]");
    private readonly Option<string> _onFull = new("--on-full", "--on_full") { Description = "When there is no room for records: make the program wait, or drop the records." };
    private readonly Option<string> _native = NativeOption.Create();
    private readonly Option<string> _crash = new("--crash") { Description = "Record the stacks of all threads when the program crashes; 'alloctrace crash' prints them." };
    private readonly Option<ulong> _events = EventsOption.Create();
    private readonly Option<string> _objects = new("--objects") { Description = "Read the types and holders of the blocks that are live at the end, near the peak, or both (end+peak), from copies of the process." };

    public RecordingOptionSet()
    {
        _domains.DefaultValueFactory = _ => new RecordingOptions().Domains;
        OneOf(_children, "on", "off");
        OneOf(_onFull, "wait", "drop");
        OneOf(_crash, "off", "on");
        OneOf(_objects, "off", "end", "peak", "end+peak");
        _sample.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long?>() > RecordingOptions.LargestSample)
                result.AddError("--sample must be 1TiB or less");
        });
        _domains.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is not { } domains || domains.Split('+').Any(domain => domain is not ("raw" or "mem" or "obj")))
                result.AddError("--domains must be some of raw, mem and obj, joined by +");
        });
        _limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long?>() < SmallestLimit)
                result.AddError($"--limit must be {SmallestLimit} bytes or more");
        });
    }

    /// <summary>The options, in the order of the help.</summary>
    public IReadOnlyList<Option> Options => [_frames, _sample, _domains, _children, _limit, _onFull, _native, _crash, _events, _objects];

    /// <summary>Refuses options that exclude each other; for the <see cref="Command.Validators"/> of the command.</summary>
    public void Validate(CommandResult result)
    {
        if (result.GetValue(_objects) is not (null or "off") && result.GetValue(_sample) > 0)
            result.AddError("--objects needs every allocation, and --sample leaves some out");
    }

    public RecordingOptions Read(ParseResult arguments) => new()
    {
        Frames = arguments.GetValue(_frames),
        Sample = (ulong)(arguments.GetValue(_sample) ?? 0),
        Domains = arguments.GetValue(_domains)!,
        Children = arguments.GetValue(_children) == "on",
        Limit = arguments.GetValue(_limit) is { } limit ? (ulong)limit : new RecordingOptions().Limit,
        OnFull = arguments.GetValue(_onFull) == "drop" ? OnFull.Drop : OnFull.Wait,
        Native = NativeOption.Read(arguments, _native),
        Crash = arguments.GetValue(_crash) == "on",
        Events = arguments.GetValue(_events),
        ObjectsAtEnd = arguments.GetValue(_objects) is "end" or "end+peak",
        ObjectsAtPeak = arguments.GetValue(_objects) is "peak" or "end+peak",
    };

    /// <summary>Sets the values of an option, of which the first is the default.</summary>
    private static void OneOf(Option<string> option, params string[] values)
    {
        option.DefaultValueFactory = _ => values[0];
        option.AcceptOnlyFromAmong(values);
    }
}
