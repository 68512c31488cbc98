using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// The allocations of a recording in one <see cref="View"/>, or at one snapshot, like <c>tracemalloc.Snapshot</c>. Immutable: several
/// threads may use one, also after the database was closed.
/// </summary>
public sealed class Snapshot
{
    private readonly TraceDatabase _database; // its metadata and stacks; nothing is read from the file any more
    private readonly SiteTable[] _parts;

    internal Snapshot(TraceDatabase database, SiteTable[] parts, IReadOnlyList<string>? notes = null, bool hasTypes = false)
    {
        Notes = notes ?? [];
        HasTypes = hasTypes;
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

    /// <summary>The recording: metadata and stacks; the file may be closed.</summary>
    internal TraceDatabase Database => _database;

    /// <summary>The sites.</summary>
    internal IReadOnlyList<SiteTable> Parts => _parts;

    /// <summary>
    /// The notes on the figures, one sentence each: for example that added processes did not live at the same time, that inherited blocks
    /// are counted once, or that several snapshots have the name.
    /// </summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>True if the snapshot was loaded with the types of its blocks.</summary>
    public bool HasTypes { get; }

    /// <summary>The size of all blocks together, in bytes as requested by the program.</summary>
    public long Bytes { get; }

    /// <summary>The number of blocks.</summary>
    public long Blocks { get; }

    /// <summary>The bytes by which <see cref="Bytes"/> may be off in 95 of 100 cases; 0 unless allocations were sampled.</summary>
    public long BytesError { get; }

    /// <summary>The blocks by which <see cref="Blocks"/> may be off in 95 of 100 cases; 0 unless allocations were sampled.</summary>
    public long BlocksError { get; }

    /// <summary>The allocations by site, in the order of the database. Tracebacks are created while the sequence is read.</summary>
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
    /// <param name="view">The allocations to load.</param>
    /// <param name="pid">A process id, or <see langword="null"/> for all processes together.</param>
    /// <returns>The snapshot.</returns>
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
    /// Adds up the bytes of several processes. Blocks that a forked process inherited and that its parent still holds count once, in the
    /// parent. <see cref="Notes"/> says if the processes did not live at the same time.
    /// </remarks>
    /// <param name="database">The recording; needed only during the call.</param>
    /// <param name="view">The allocations to load.</param>
    /// <param name="pid">A process id, or <see langword="null"/> for all processes together.</param>
    /// <returns>The snapshot.</returns>
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

    /// <summary>
    /// Loads the blocks that were live at a named snapshot. If a process used a name repeatedly, loads its last one, and
    /// <see cref="Notes"/> says so.
    /// </summary>
    /// <param name="database">The recording; needed only during the call.</param>
    /// <param name="name">
    /// The name that the program or its user gave; <c>name#2</c> is the second snapshot of that name. <c>peak</c> and <c>live</c> are the
    /// high-water mark and the end, unless a snapshot was given that name.
    /// </param>
    /// <param name="pid">A process id, or <see langword="null"/> for all processes that have such a snapshot, together.</param>
    /// <returns>The snapshot.</returns>
    /// <exception cref="ArgumentException">There is no such process, or no such snapshot.</exception>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static Snapshot LoadAt(TraceDatabase database, string name, long? pid = null)
    {
        var (snapshots, note) = SnapshotChoice.Find(database, database.ProcessesWith(pid), name);
        return OfSnapshots(database, snapshots, note is null ? [] : [note]);
    }

    /// <summary>Loads the blocks that were live at the end, or at a named snapshot, with their types.</summary>
    /// <param name="database">The recording; needed only during the call.</param>
    /// <param name="name">
    /// The name, as for <see cref="LoadAt"/>; <see langword="null"/> for the end, or the last snapshot with types if the end has none.
    /// </param>
    /// <param name="pid">A process id, or <see langword="null"/> for all processes that have such a snapshot with types, together.</param>
    /// <returns>The snapshot, whose <see cref="HasTypes"/> is true.</returns>
    /// <exception cref="ArgumentException">There is no such process or snapshot, or its types were not recorded.</exception>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static Snapshot LoadWithTypes(TraceDatabase database, string? name = null, long? pid = null)
    {
        var (moments, notes) = TypedSnapshots.Find(database, database.ProcessesWith(pid), name);
        return new Snapshot(database, database.ReadTypedSites(moments), notes, hasTypes: true);
    }

    /// <summary>Creates the tree of the calls that led to the allocations.</summary>
    /// <returns>The tree, whose root is the whole snapshot.</returns>
    public CallTree CallTree() => new(_database, _parts);

    /// <summary>Sums bytes and blocks by group.</summary>
    /// <param name="groupBy">The key of the groups.</param>
    /// <param name="cumulation">The way in which allocations count for callers; only for groups of lines, files and functions.</param>
    /// <param name="limit">
    /// The largest number of groups to list, 0 for all. A limit makes the call much faster if there are many groups.
    /// </param>
    /// <returns>The groups, the largest first, and the sum of those that are not listed.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="cumulation"/> has no meaning for <paramref name="groupBy"/>.</exception>
    public StatisticList Statistics(GroupBy groupBy, Cumulation cumulation = Cumulation.None, int limit = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        var grouping = GroupingFor(_database, groupBy);
        return Sum(grouping, cumulation).Rank(grouping, limit, groups => Details(grouping, groups, cumulation));
    }

    /// <summary>Compares this snapshot with an older one, of the same recording or of another, group by group.</summary>
    /// <param name="old">The older snapshot.</param>
    /// <param name="groupBy">
    /// The key of the groups. Groups of two recordings are the same if their frames are equal. Functions are also the same if they moved
    /// within their file; threads and processes are if their names and commands are equal, in the order in which they occur.
    /// </param>
    /// <param name="cumulation">The way in which allocations count for callers; only for groups of lines, files and functions.</param>
    /// <param name="limit">The largest number of groups to list, 0 for all.</param>
    /// <returns>The groups, the largest difference first.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative.</exception>
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
    /// Returns the part of this snapshot that passes the filters: the traces that match any inclusive filter (or there is none) and no
    /// exclusive one.
    /// </summary>
    /// <param name="filters">The filters.</param>
    /// <returns>A new snapshot.</returns>
    public Snapshot FilterTraces(params IReadOnlyCollection<TraceFilter> filters)
    {
        var filter = new SiteFilter(_database, filters);
        return new Snapshot(_database, [.. _parts.Select(Passing)], Notes, HasTypes);

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
    /// Attributes each allocation to the innermost frame of the user's own code that led to it: code outside of the standard library, of
    /// site-packages and dist-packages, and of frozen modules. An allocation without such a frame gets an empty traceback.
    /// </summary>
    /// <returns>A new snapshot.</returns>
    public Snapshot AttributeToOwnCode()
    {
        var innermost = OwnFrames.InnermostOf(_database.Stacks);
        return new Snapshot(_database, [.. _parts.Select(Attributed)], Notes, HasTypes);

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
    internal GroupDetail[] Details(Grouping grouping, int[] groups, Cumulation cumulation = Cumulation.None)
    {
        var details = new GroupDetails(_database, _parts).Of(grouping, groups, cumulation);
        if (!HasTypes || cumulation != Cumulation.None)
            return details;

        var isByType = grouping is ColumnGrouping<BlockType>;
        return [.. details.Zip(new GroupTypes(_database, _parts).Of(grouping, groups, isByType), (detail, types) => detail with { Types = isByType ? null : types.Types, Retained = types.Retained })];
    }

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
        GroupBy.Type => new ColumnGrouping<BlockType>(
            database.BlockTypes,
            site => database.TypeRows[site.TypeRow].Type,
            (statistic, type) => statistic with { Type = type },
            type => type.ToString()),
        _ => throw new ArgumentOutOfRangeException(nameof(groupBy), groupBy, "Not a group."),
    };
}
