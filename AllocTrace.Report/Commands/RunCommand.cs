using System.CommandLine;

using AllocTrace.Report.Render;
using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace run</c>: runs a command and records it.</summary>
internal sealed class RunCommand : Command, IExamples
{
    private const ulong SmallestLimit = 4 << 20;

    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = "The database to write [default: alloctrace-COMMAND-PID.db in the current folder]",
        HelpName = "FILE.db",
    };

    private readonly Option<bool> _force = new("--force", "-f") { Description = "Replace the database if it exists" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Print errors only, and no report" };
    private readonly Option<uint> _frames = new("--frames") { Description = "The number of innermost frames to keep of each stack; 0 for all", HelpName = "N" };
    private readonly Option<long?> _sample = SizeOption.Create("--sample", "Record one allocation per SIZE bytes on average, and report estimates; 0 records every allocation");
    private readonly Option<string> _domains = new("--domains") { Description = "The allocator domains to hook, joined by +", HelpName = "raw+mem+obj" };
    private readonly Option<string> _children = new("--children") { Description = "Follow fork and exec" };
    private readonly Option<ulong> _limit = new("--limit") { Description = "The largest session in shared memory", HelpName = "BYTES" };
    private readonly Option<string> _onFull = new("--on-full", "--on_full") { Description = "When there is no room for records: make the program wait, or drop the records" };
    private readonly Option<string> _native = NativeOption.Create();
    private readonly Option<string> _crash = new("--crash") { Description = "Record the stacks of all threads when the program crashes; 'alloctrace crash' prints them" };
    private readonly Option<ulong> _events = EventsOption.Create();
    private readonly Option<string> _objects = new("--objects") { Description = "Read the types and holders of the blocks that are live at the end, near the peak, or both (end+peak), from copies of the process" };
    private readonly Option<int> _temporary = TemporaryOption.Create();
    private readonly Option<string?> _python = new("--python") { Description = "The interpreter that runs a script or a module", HelpName = "PYTHON" };

    private readonly Argument<string[]> _command = new("command")
    {
        Description = "The command and its arguments. A script (app.py) or -m MODULE runs with the python3 of the active virtual environment, or else of PATH. Everything after the command is passed to it",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Threshold _failAbove;
    private readonly Output _console;

    /// <param name="console">Where notes and the report go: the standard output is the command's own.</param>
    public RunCommand(Output console)
        : base("run", "Runs a command and records every allocation of its Python, with the stack.")
    {
        _console = console;
        var defaults = new RecordingOptions();
        _domains.DefaultValueFactory = _ => defaults.Domains;
        _children.DefaultValueFactory = _ => "on";
        _children.AcceptOnlyFromAmong("on", "off");
        _limit.DefaultValueFactory = _ => defaults.Limit;
        _onFull.DefaultValueFactory = _ => "wait";
        _onFull.AcceptOnlyFromAmong("wait", "drop");
        _crash.DefaultValueFactory = _ => "off";
        _crash.AcceptOnlyFromAmong("on", "off");
        _objects.DefaultValueFactory = _ => "off";
        _objects.AcceptOnlyFromAmong("end", "peak", "end+peak", "off");
        Validators.Add(result =>
        {
            if (result.GetValue(_objects) != "off" && result.GetValue(_sample) > 0)
                result.AddError("--objects needs every allocation, and --sample leaves some out");
        });
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
            if (result.GetValueOrDefault<ulong>() < SmallestLimit)
                result.AddError($"--limit must be {SmallestLimit} bytes or more");
        });
        foreach (var option in (Option[])[_output, _force, _quiet, _frames, _sample, _domains, _children, _limit, _onFull, _native, _crash, _events, _objects, _temporary, _python])
            Add(option);

        _failAbove = Threshold.FailAbove(this, console, "the command succeeds but the peak of a process");
        Add(_command);
        SetAction(Run);
    }

    private int Run(ParseResult arguments)
    {
        var words = arguments.GetValue(_command)!;
        var command = PythonProgram.Complete(words, arguments.GetValue(_python));
        if (command[0].StartsWith('-'))
            throw new UsageException($"unknown option {command[0]}: see 'alloctrace run --help'");
        if (command.Length > words.Length && !arguments.GetValue(_quiet))
            Note($"{words[0]} runs with {command[0]}");

        try
        {
            var path = arguments.GetValue(_output) ?? $"alloctrace-{Path.GetFileName(words[0].TrimStart('-'))}-%p.db";
            using var recording = Recording.Start(command, path, arguments.GetValue(_force), RecordingOptionsOf(arguments));
            using var progress = new ProgressLine(_console.Error, isShown: !Console.IsErrorRedirected && !arguments.GetValue(_quiet));
            var result = recording.Wait(() => progress.Show("alloctrace: completing the database …"));
            progress.Dispose();
            Tell(result, words[0], arguments.GetValue(_quiet));
            return result.ExitCode == 0 ? WithinLimit(arguments, result, words[0]) : result.ExitCode;
        }
        catch (CommandNotStartedException e)
        {
            Note(e.Message);
            return e.ExitCode;
        }
    }

    public IReadOnlyList<string> Examples { get; } =
    [
        "alloctrace run -o app.db -- python3 app.py",
        "alloctrace run -o app.db app.py --port 8080                # options after the script belong to the script",
        "alloctrace run -m pytest tests",
        "alloctrace run --events -o app.db -- python3 app.py        # then: alloctrace export app.db --events -o events.csv",
        "alloctrace run --native malloc -o app.db -- python3 app.py # memory of C libraries, too: malloc and mmap",
        "alloctrace run --fail-above 200MiB -- python3 -m pytest    # for CI: exit code 4 when the peak was higher",
    ];

    private int WithinLimit(ParseResult arguments, RecordingResult result, string command)
    {
        if (result.DatabasePath is not { } path)
            return _failAbove.CheckMeasured(arguments, ExitCode.Done, $"nothing was recorded of {command}");

        using var database = TraceDatabase.Open(path);
        var code = _failAbove.CheckMeasured(arguments, PeakWithinLimit(arguments, database, path), database);
        return _failAbove.CheckMeasured(arguments, code, result.Problems.Count > 0 ? $"a process is not in {path}" : null);
    }

    private int PeakWithinLimit(ParseResult arguments, TraceDatabase database, string path) => database.Processes
        .Select(process => (process.Pid, database.SnapshotOf(process, SnapshotKind.Peak)?.Bytes))
        .Select(peak => _failAbove.Check(arguments, $"{path}: peak of process {peak.Pid}:", peak.Bytes ?? 0))
        .DefaultIfEmpty(ExitCode.Done)
        .Max();

    private void Note(string line) => _console.Error.WriteLine($"alloctrace: {Printable.Text(line)}");

    private RecordingOptions RecordingOptionsOf(ParseResult arguments) => new()
    {
        Frames = arguments.GetValue(_frames),
        Sample = (ulong)(arguments.GetValue(_sample) ?? 0),
        Domains = arguments.GetValue(_domains)!,
        Children = arguments.GetValue(_children) == "on",
        Limit = arguments.GetValue(_limit),
        OnFull = arguments.GetValue(_onFull) == "drop" ? OnFull.Drop : OnFull.Wait,
        Native = NativeOption.Read(arguments, _native),
        Crash = arguments.GetValue(_crash) == "on",
        Events = arguments.GetValue(_events),
        ObjectsAtEnd = arguments.GetValue(_objects) is "end" or "end+peak",
        ObjectsAtPeak = arguments.GetValue(_objects) is "peak" or "end+peak",
        TemporaryThreshold = arguments.GetValue(_temporary),
    };

    private void Tell(RecordingResult result, string command, bool quiet)
    {
        foreach (var problem in result.Problems)
            Note(problem);

        if (result.DatabasePath is not { } path)
        {
            Note($"nothing was recorded: {command} ran no Python that could be traced");
            return;
        }

        if (quiet)
            return;

        if (result.Running.Count > 0)
            Note($"still running, recorded so far: {(result.Running.Count == 1 ? "process" : "processes")} {string.Join(", ", result.Running)}");

        Note($"recorded in {path}");
        ShortReport.Write(path, result.ExitCode, _console.OnError());
    }
}
