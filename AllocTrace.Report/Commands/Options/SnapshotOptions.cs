using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>The options that say which allocations a report counts, the same for every report.</summary>
internal sealed class SnapshotOptions
{
    private readonly Option<string[]> _filter = new("--filter")
    {
        Description = "Count only allocations in files that match PATTERN[:LINE], with the wildcards * ? [set]. Can be repeated; one match is enough.",
        HelpName = "P",
    };

    private readonly Option<string[]> _exclude = new("--exclude")
    {
        Description = "Leave out allocations in files that match. Can be repeated.",
        HelpName = "P",
    };

    private readonly Option<bool> _allFrames = new("--all-frames")
    {
        Description = "Apply --filter and --exclude to the whole stack, not only to the line that allocates.",
    };

    private readonly Option<string[]> _domain = new("--domain")
    {
        Description = "Count only allocations of this domain: raw, mem, obj, malloc, mmap, numpy, or another name or number that is recorded. Can be repeated.",
        HelpName = "D",
    };

    private readonly Option<bool> _mine = new("--mine")
    {
        Description = "Attribute each allocation to the innermost line of your own code on its stack. Your own code is outside of the standard library, site-packages, "
            + "dist-packages and frozen modules.",
    };

    private readonly Option<bool> _interpreterFrames = new("--interpreter-frames")
    {
        Description = "Show the C frames of CPython itself, too: its loop and its calls. Needs a recording with C stacks (run --native stacks).",
    };

    private readonly Option<long?> _process = ReportArguments.Process();

    // Live is the default, as tracemalloc's snapshots are: what is alive at the end is what somebody forgot.
    private readonly Option<View> _view = WordOption.Create<View>(
        "--view",
        "The allocations to count: live (alive at the end), peak (alive at the high-water mark), total (all) or temporary (freed at once).",
        "VIEW");

    /// <param name="command">Gets the options.</param>
    /// <param name="snapshots">The number of snapshots that can be named.</param>
    /// <param name="views">True if a view can be chosen.</param>
    /// <param name="mine">True to have the option <c>--mine</c>.</param>
    public SnapshotOptions(Command command, int snapshots = 1, bool views = true, bool mine = false)
    {
        At = new Option<string[]>("--at")
        {
            Description = snapshots switch
            {
                1 => "Count the blocks that were alive at a named snapshot.",
                2 => "Compare the blocks that were alive at a named snapshot, or at 'peak' or 'live'. Give it twice with one recording, the older one first.",
                _ => "Compare named snapshots, the oldest first. Give it three times or more.",
            },
            HelpName = "SNAPSHOT",
        };
        foreach (var option in (Option[])[.. views ? (Option[])[_view] : [], .. snapshots > 0 ? (Option[])[At] : [], _filter, _exclude, _allFrames, .. mine ? (Option[])[_mine] : [], _domain, _interpreterFrames, _process])
            command.Add(option);

        if (snapshots == 0)
            return;

        ReportArguments.AtMostOne(command, _view, At);
        command.Validators.Add(result =>
        {
            if (result.GetValue(At) is { } names && names.Length > snapshots)
                result.AddError($"--at can be given {(snapshots == 1 ? "once" : "twice")}");
        });
    }

    /// <summary>The names of snapshots.</summary>
    public Option<string[]> At { get; }

    /// <summary>The process that was asked for.</summary>
    public long? Pid(ParseResult parsed) => parsed.GetValue(_process);

    /// <summary>Returns the heading: the view, or the name of the snapshot.</summary>
    public string Title(ParseResult parsed) => parsed.GetValue(At) is [var name, ..] ? name : parsed.GetValue(_view).ToString().ToLowerInvariant();

    /// <summary>Returns whether all is attributed to the user's own code.</summary>
    public bool IsMine(ParseResult parsed) => parsed.GetValue(_mine);

    /// <summary>Returns the heading's words for that.</summary>
    public string MineTitle(ParseResult parsed) => IsMine(parsed) ? $", attributed to my code ({Place.NoFrame}: none on the stack)" : "";

    /// <summary>Says in a line that filters were given and nothing passes them, and which files there are; <see langword="null"/>: something does, or there are none.</summary>
    public string? NothingPasses(ParseResult parsed, Snapshot snapshot, TraceDatabase database)
    {
        string[] given = [.. parsed.GetValue(_filter)!.Select(pattern => $"--filter {pattern}"), .. parsed.GetValue(_exclude)!.Select(pattern => $"--exclude {pattern}"), .. parsed.GetValue(_domain)!.Select(domain => $"--domain {domain}")];
        if (snapshot.Blocks > 0 || given.Length == 0)
            return null;

        var hint = parsed.GetValue(_allFrames) ? "'alloctrace top FILE -g filename' lists the files" : "--all-frames looks at callers too; 'alloctrace top FILE -g filename' lists the files";
        return $"nothing matches {string.Join(' ', given)}: {hint.Replace("FILE", ShellWord.Quote(database.Path))}";
    }

    /// <summary>Returns the view, which a named snapshot ignores.</summary>
    public View View(ParseResult parsed) => parsed.GetValue(_view);

    /// <summary>Opens a recording (<see cref="RecordingArgument"/>), with the frames that were asked for.</summary>
    /// <exception cref="InvalidTraceException">It is not a recording, or damaged.</exception>
    /// <exception cref="IOException">It cannot be read, or there is neither such a file nor such a process.</exception>
    public TraceDatabase Open(ParseResult parsed, string fileOrPid)
    {
        var database = RecordingArgument.Open(fileOrPid);
        database.ShowsInterpreterFrames = parsed.GetValue(_interpreterFrames);
        return database;
    }

    /// <summary>Loads what was asked for, from a recording with one snapshot or none.</summary>
    public Snapshot Load(ParseResult parsed, TraceDatabase database) =>
        Load(parsed, database, parsed.GetValue(At) is [var name, ..] ? name : null);

    /// <summary>Loads the allocations with the types of the blocks, at a snapshot or at the end.</summary>
    public Snapshot LoadWithTypes(ParseResult parsed, TraceDatabase database) => LoadWithTypes(parsed, database, parsed.GetValue(At) is [var name, ..] ? name : null);

    /// <summary>Loads the allocations with the types of the blocks, at a named snapshot; <see langword="null"/> for the end.</summary>
    public Snapshot LoadWithTypes(ParseResult parsed, TraceDatabase database, string? at) => View(parsed) == Analysis.View.Live
        ? Filtered(parsed, Snapshot.LoadWithTypes(database, at, Pid(parsed)))
        : throw new UsageException($"types are known of live blocks: --view {parsed.GetValue(_view).ToString().ToLowerInvariant()} has none");

    /// <summary>Returns the one snapshot with types that is meant.</summary>
    public TraceSnapshot TypedSnapshot(ParseResult parsed, TraceDatabase database) =>
        TypedSnapshots.Find(database, database.ProcessesWith(Pid(parsed)), parsed.GetValue(At) is [var name, ..] ? name : null).Snapshots switch
        {
            [var snapshot] => snapshot,
            var several => throw new UsageException($"{database.Path} has {several.Length} processes with objects: give --process PID"),
        };

    /// <summary>Loads the allocations at a named snapshot; <see langword="null"/> for the view.</summary>
    public Snapshot Load(ParseResult parsed, TraceDatabase database, string? at) => at is null
        ? Load(parsed, database, parsed.GetValue(_view))
        : Filtered(parsed, Snapshot.LoadAt(database, at, Pid(parsed)));

    /// <summary>Loads the allocations of another view.</summary>
    public Snapshot Load(ParseResult parsed, TraceDatabase database, View view) =>
        Filtered(parsed, Snapshot.Load(database, view, Pid(parsed)));

    /// <summary>Returns whether the command line says what to count.</summary>
    public bool IsViewGiven(ParseResult parsed) => parsed.GetResult(_view) is { Implicit: false } || parsed.GetValue(At) is { Length: > 0 };

    private Snapshot Filtered(ParseResult parsed, Snapshot snapshot)
    {
        foreach (var filters in Filters(parsed))
            snapshot = snapshot.FilterTraces(filters);

        return IsMine(parsed) ? snapshot.AttributeToOwnCode() : snapshot;
    }

    /// <summary>The filters that were asked for: a trace has to pass each of the lists.</summary>
    public IEnumerable<TraceFilter[]> Filters(ParseResult parsed)
    {
        var allFrames = parsed.GetValue(_allFrames);
        TraceFilter[][] lists =
        [
            [
                .. parsed.GetValue(_filter)!.SelectMany(pattern => FilterPattern.Parse(pattern, inclusive: true, allFrames)),
                .. parsed.GetValue(_exclude)!.SelectMany(pattern => FilterPattern.Parse(pattern, inclusive: false, allFrames)),
            ],
            [.. parsed.GetValue(_domain)!.Select(domain => new DomainFilter(true, domain))],
        ];
        return lists.Where(filters => filters.Length > 0);
    }
}
