using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Allocations of a recording, seen one way (<see cref="View"/>) and grouped as asked. Immutable; several threads may use one, also after
/// the database was closed.
/// </summary>
public sealed class Snapshot
{
    private readonly TraceDatabase _database; // its metadata and stacks; nothing is read from the file any more
    private readonly SiteTable[] _parts;

    internal Snapshot(TraceDatabase database, SiteTable[] parts, IReadOnlyList<string>? notes = null)
    {
        Notes = notes ?? [];
        _ = database.Stacks; // read while the file is open
        _database = database;
        _parts = parts;
        var variance = default(Variance);
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                if (site.Bytes < 0 || site.Blocks < 0 || site.Bytes > long.MaxValue - Bytes || site.Blocks > long.MaxValue - Blocks)
                    throw new InvalidTraceException(database.Path, "damaged: its sizes are impossibly large");

                Bytes += site.Bytes;
                Blocks += site.Blocks;
                if (database.IsSampled)
                    variance += Variance.Of(site, database.Processes[site.Process]);
            }
        }

        BytesError = variance.BytesError;
        BlocksError = variance.BlocksError;
    }

    /// <summary>Its recording: metadata and stacks; the file may be closed.</summary>
    internal TraceDatabase Database => _database;

    /// <summary>Its sites.</summary>
    internal IReadOnlyList<SiteTable> Parts => _parts;

    /// <summary>
    /// The notes on the figures, one sentence each: that processes are added up that did not live at the same time, that inherited blocks are counted once,
    /// which of several snapshots of one name it is.
    /// </summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>All bytes, as requested by the program.</summary>
    public long Bytes { get; }

    /// <summary>All blocks.</summary>
    public long Blocks { get; }

    /// <summary>When allocations were sampled: the true number is within this many bytes of <see cref="Bytes"/> in 95 of 100 cases.</summary>
    public long BytesError { get; }

    /// <summary>When allocations were sampled: the true number is within this many blocks of <see cref="Blocks"/> in 95 of 100 cases.</summary>
    public long BlocksError { get; }

    /// <summary>The allocations, a site each, in the order of the database. Tracebacks are made as the sequence advances.</summary>
    public IEnumerable<Trace> Traces
    {
        get
        {
            foreach (var (part, i) in _parts.SelectMany(part => Enumerable.Range(0, part.Count).Select(i => (part, i))))
            {
                var site = part.Sites[i];
                yield return new Trace(
                    _database.Processes[site.Process],
                    _database.Threads[site.Thread],
                    _database.Domains[site.Domain].Name,
                    site.Bytes,
                    site.Blocks,
                    _database.Stacks.TracebackOf(site.Stack));
            }
        }
    }

    /// <summary>Loads one view of a recording.</summary>
    /// <param name="path">The recording's file; needed only during the call.</param>
    /// <param name="view">What to count.</param>
    /// <param name="pid">A process, or <see langword="null"/> for all of them together.</param>
    /// <exception cref="ArgumentException">There is no such process.</exception>
    /// <exception cref="InvalidTraceException">The file is not a recording, or it is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static Snapshot Load(string path, View view = View.Live, long? pid = null)
    {
        using var database = TraceDatabase.Open(path);
        return Load(database, view, pid);
    }

    /// <summary>Loads one view of a recording.</summary>
    /// <remarks>
    /// Of several processes the bytes are added up. What a forked process inherited and its parent holds too is counted once, in the parent. <see cref="Notes"/> says when the
    /// processes did not live at the same time.
    /// </remarks>
    /// <param name="database">The recording; needed only during the call.</param>
    /// <param name="view">What to count.</param>
    /// <param name="pid">A process, or <see langword="null"/> for all of them together.</param>
    /// <exception cref="ArgumentException">There is no such process.</exception>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static Snapshot Load(TraceDatabase database, View view = View.Live, long? pid = null)
    {
        var processes = database.ProcessesWith(pid);
        return view switch
        {
            View.Live or View.Peak => OfSnapshots(database, SnapshotChoice.OfView(database, processes, view), []),
            View.Total => new Snapshot(database, database.ReadAllocatedSites(processes)),
            View.Temporary => new Snapshot(database, database.ReadTemporarySites(processes)),
            _ => throw new ArgumentOutOfRangeException(nameof(view), view, "Not a view."),
        };
    }

    /// <summary>Loads what was alive at a named snapshot. Of a process that used a name repeatedly it is the last of these snapshots, and <see cref="Notes"/> says so.</summary>
    /// <param name="database">The recording; needed only during the call.</param>
    /// <param name="name">
    /// The name given by the program or its user; <c>name#2</c> is the second one of that name. Where nobody gave these, also <c>peak</c> and <c>live</c>.
    /// </param>
    /// <param name="pid">A process, or <see langword="null"/> for all that have such a snapshot, together.</param>
    /// <exception cref="ArgumentException">There is no such process, or no such snapshot.</exception>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static Snapshot LoadAt(TraceDatabase database, string name, long? pid = null)
    {
        var (snapshots, note) = SnapshotChoice.Find(database, database.ProcessesWith(pid), name);
        return OfSnapshots(database, snapshots, note is null ? [] : [note]);
    }

    /// <summary>The same as a tree of calls.</summary>
    public CallTree CallTree() => new(_database, _parts);

    /// <summary>Sums sizes and counts by group, largest first.</summary>
    /// <param name="groupBy">What makes a group.</param>
    /// <param name="cumulation">Whether callers count too; only for groups of lines, files and functions.</param>
    /// <param name="limit">How many groups to describe, 0 for all. Much faster with a limit when there are many.</param>
    /// <exception cref="ArgumentException"><paramref name="cumulation"/> has no meaning for <paramref name="groupBy"/>.</exception>
    public StatisticList Statistics(GroupBy groupBy, Cumulation cumulation = Cumulation.None, int limit = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        var grouping = GroupingFor(_database, groupBy);
        return Sum(grouping, cumulation).Rank(grouping, limit, groups => Details(grouping, groups, cumulation));
    }

    /// <summary>Compares this snapshot with an older one, of the same recording or of another, group by group; what differs most comes first.</summary>
    /// <param name="old">The older one.</param>
    /// <param name="groupBy">
    /// Returns the key of a group. Groups of two recordings are the same when their frames are; functions also when they moved within their file,
    /// threads and processes when their names and commands are (in their order).
    /// </param>
    /// <param name="cumulation">Whether callers count too; only for groups of lines, files and functions.</param>
    /// <param name="limit">How many groups to describe, 0 for all.</param>
    /// <exception cref="ArgumentException"><paramref name="cumulation"/> has no meaning for <paramref name="groupBy"/>.</exception>
    public StatisticDiffList CompareTo(Snapshot old, GroupBy groupBy, Cumulation cumulation = Cumulation.None, int limit = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        var ofOld = Task.Run(() => old._database.Stacks == _database.Stacks ? default : old.Grouped(groupBy, cumulation));
        var (grouping, sums) = Grouped(groupBy, cumulation);
        var (oldGrouping, oldSums) = ofOld.GetAwaiter().GetResult() is { Grouping: not null } apart ? apart : (grouping, old.Sum(grouping, cumulation));
        var difference = new SnapshotDiff(grouping, sums, oldGrouping, oldSums);
        return difference.Rank(limit, groups => Details(grouping, groups, cumulation), groups => old.Details(oldGrouping, groups, cumulation));
    }

    /// <summary>
    /// Returns the part of this snapshot that passes: a trace that matches any inclusive filter (or there is none) and no exclusive one.
    /// </summary>
    public Snapshot FilterTraces(params IReadOnlyCollection<TraceFilter> filters)
    {
        var filter = new SiteFilter(_database, filters);
        return new Snapshot(_database, [.. _parts.Select(Passing)], Notes);

        SiteTable Passing(SiteTable part)
        {
            var sites = new SiteTable();
            foreach (ref readonly var site in part.Sites)
            {
                if (filter.Passes(site))
                    sites.Add(site);
            }

            return sites;
        }
    }

    /// <summary>
    /// Returns the same with each allocation attributed to the innermost frame of the user's own code that led to it: code outside of the standard library, of site-packages and
    /// dist-packages, and of frozen modules. What none led to has no frame.
    /// </summary>
    public Snapshot AttributeToOwnCode()
    {
        var innermost = OwnFrames.InnermostOf(_database.Stacks);
        return new Snapshot(_database, [.. _parts.Select(Attributed)], Notes);

        SiteTable Attributed(SiteTable part)
        {
            var sites = new SiteTable(part.Count);
            foreach (ref readonly var site in part.Sites)
                sites.Add(innermost[site.Stack] == site.Stack ? site : site with { Stack = innermost[site.Stack], Expression = 0 });

            return sites;
        }
    }

    private (Grouping Grouping, GroupSums Sums) Grouped(GroupBy groupBy, Cumulation cumulation)
    {
        var grouping = GroupingFor(_database, groupBy);
        return (grouping, Sum(grouping, cumulation));
    }

    private static Snapshot OfSnapshots(TraceDatabase database, IReadOnlyList<TraceSnapshot> snapshots, List<string> notes)
    {
        var parts = database.ReadLiveSites(snapshots);
        if (snapshots.Count > 1)
        {
            (parts, var inherited) = ForkedBlocks.CountOnce(database, parts);
            if (inherited.Bytes > 0)
                notes.Add($"{ByteSize.Format(inherited.Bytes)} inherited by forked processes are counted once, in the process that allocated them");
            if (SnapshotChoice.LivedApart(database, snapshots) is { } note)
                notes.Add(note);
        }

        return new Snapshot(database, parts, notes);
    }

    /// <summary>The largest parts of groups.</summary>
    internal GroupDetail[] Details(Grouping grouping, int[] groups, Cumulation cumulation = Cumulation.None) =>
        new GroupDetails(_database, _parts).Of(grouping, groups, cumulation);

    internal GroupSums Sum(Grouping grouping, Cumulation cumulation)
    {
        if (cumulation != Cumulation.None)
        {
            return grouping is FrameGrouping frames
                ? CumulativeSums.Of(_parts, _database, frames, cumulation)
                : throw new ArgumentException("cumulative statistics need groups of lines, files or functions", nameof(cumulation));
        }

        var sums = new GroupSums(grouping.Count, _database.IsSampled);
        foreach (var part in _parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                var group = grouping.GroupOf(site);
                sums.Add(group, site.Bytes, site.Blocks);
                if (_database.IsSampled)
                    sums.Add(group, Variance.Of(site, _database.Processes[site.Process]));
            }
        }

        return sums;
    }

    internal static Grouping GroupingFor(TraceDatabase database, GroupBy groupBy) => groupBy switch
    {
        GroupBy.Lineno => FrameGrouping.ByLine(database.Stacks),
        GroupBy.Filename or GroupBy.Function => new FrameGrouping(database.Stacks, groupBy),
        GroupBy.Traceback => new TracebackGrouping(database.Stacks),
        GroupBy.Domain => new ColumnGrouping<TraceDomain>(
            database.Domains,
            site => site.Domain,
            (statistic, domain) => statistic with { Domain = domain.Name },
            domain => domain.Name),
        GroupBy.Thread => new ColumnGrouping<TraceThread>(
            database.Threads,
            site => site.Thread,
            (statistic, thread) => statistic with
            {
                Thread = thread,
                Process = database.Processes.First(process => process.Id == thread.Process),
            },
            thread => thread.Name),
        GroupBy.Process => new ColumnGrouping<TraceProcess>(
            database.Processes,
            site => site.Process,
            (statistic, process) => statistic with { Process = process },
            process => process.Command),
        _ => throw new ArgumentOutOfRangeException(nameof(groupBy), groupBy, "Not a group."),
    };
}
