using System.Runtime.CompilerServices;

namespace AllocTrace.Storage;

/// <summary>Reads what is counted for sites. There may be millions, so several cores read, and only what the question needs.</summary>
internal sealed class SiteReader
{
    private readonly TraceDatabase _database;
    private readonly ReadConnections _connections;
    private readonly long[] _threadIds;
    private readonly long[] _domainIds;
    private RowRange[]? _ranges;

    public SiteReader(TraceDatabase database, ReadConnections connections)
    {
        _database = database;
        _connections = connections;
        _threadIds = [.. database.Threads.Select(thread => thread.Id)];
        _domainIds = [.. database.Domains.Select(domain => domain.Id)];
    }

    /// <summary>Reads the live blocks at a snapshot.</summary>
    public SiteTable[] ReadAlive(TraceSnapshot snapshot) => ReadParts(RangeOf(snapshot), (connection, range, sites) =>
    {
        using var alive = new AliveReader(connection, snapshot, range);
        using var site = new StatementReader(connection, "SELECT id, thread, domain, stack, expression, inherited_blocks FROM site WHERE id >= ? ORDER BY id", range.First);
        Merge(alive, site, _database.IndexOfProcess(snapshot.Process), sites);
    });

    /// <summary>A measure that the sites themselves have, of a process: <c>allocated</c>, <c>freed</c> or <c>temporary</c>.</summary>
    public SiteTable[] ReadMeasure(TraceProcess process, string measure) => ReadParts(RangeOf(process), (connection, range, sites) =>
    {
        using var reader = new StatementReader(
            connection,
            $"""
            SELECT id, thread, domain, stack, expression, {measure}_bytes, {measure}_blocks
            FROM site WHERE id BETWEEN ? AND ? AND process = ? AND {measure}_blocks > 0 ORDER BY id
            """,
            range.First,
            range.Last,
            process.Id);
        AddAll(reader, _database.IndexOfProcess(process.Id), sites);
    });

    /// <summary>Returns the parts in which <see cref="ReadCounters"/> reads a process.</summary>
    public RowRange[] PartsOf(TraceProcess process) => RangeOf(process).Split();

    /// <summary>Reads all amounts of the sites of a process in a range, in the order of the database.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // this runs once, with all its work in one loop
    public void ReadCounters(ReadConnection connection, TraceProcess process, RowRange range, SiteVisitor visit)
    {
        using var peak = new AliveReader(connection, _database.SnapshotOf(process, SnapshotKind.Peak), range);
        using var live = new AliveReader(connection, _database.SnapshotOf(process, SnapshotKind.Live), range);
        using var reader = new StatementReader(
            connection,
            """
            SELECT id, thread, domain, stack, allocated_bytes, allocated_blocks, freed_bytes, freed_blocks, temporary_bytes, temporary_blocks, expression, process
            FROM site WHERE id >= ? ORDER BY id
            """,
            range.First);
        var isAlone = _database.Processes.Count == 1;
        while (reader.Read() && reader.Int64(0) is var id && id <= range.Last)
        {
            if (!isAlone && reader.Int64(11) != process.Id)
                continue;

            visit(new SiteCounters(
                Existing(_threadIds, reader.Int64(1), "thread"),
                Existing(_domainIds, reader.Int64(2), "domain"),
                ExistingStack(reader.Int64(3)),
                Allocated: new(reader.Int64(4), reader.Int64(5)),
                Freed: new(reader.Int64(6), reader.Int64(7)),
                Temporary: new(reader.Int64(8), reader.Int64(9)),
                Peak: peak.Of(id),
                Live: live.Of(id),
                Expression: unchecked((uint)reader.Int64(10))));
        }
    }

    /// <summary>Reads the sites of all processes, with what a fork inherited.</summary>
    public SiteIndex ReadIndex()
    {
        _ = _database.Stacks;
        var ranges = AllSites().Split();
        var parts = new (List<long> Ids, SiteTable Sites)[ranges.Length];
        _connections.ReadParts(ranges.Length, (connection, i) => parts[i] = ReadIndex(connection, ranges[i]));
        return new SiteIndex([.. parts.SelectMany(part => part.Ids)], Concatenated([.. parts.Select(part => part.Sites)]));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // likewise
    private (List<long> Ids, SiteTable Sites) ReadIndex(ReadConnection connection, RowRange range)
    {
        var (ids, sites) = (new List<long>(range.Count), new SiteTable(range.Count));
        using var reader = new StatementReader(
            connection, "SELECT id, thread, domain, stack, expression, process, inherited_bytes, inherited_blocks FROM site WHERE id >= ? ORDER BY id", range.First);
        while (reader.Read() && reader.Int64(0) is var id && id <= range.Last)
        {
            ids.Add(id);
            sites.Add(SiteOf(reader, _database.IndexOfProcess(reader.Int64(5)), reader.Int64(6), reader.Int64(7)));
        }

        return (ids, sites);
    }

    private static Site[] Concatenated(SiteTable[] parts)
    {
        var all = new Site[parts.Sum(part => part.Count)];
        var end = 0;
        foreach (var part in parts)
        {
            part.Sites.CopyTo(all.AsSpan(end));
            end += part.Count;
        }

        return all;
    }

    private SiteTable[] ReadParts(RowRange all, Action<ReadConnection, RowRange, SiteTable> read)
    {
        _ = _database.Stacks; // before several threads ask for them
        var ranges = all.Split();
        var parts = new SiteTable[ranges.Length];
        _connections.ReadParts(ranges.Length, (connection, i) => read(connection, ranges[i], parts[i] = new SiteTable(ranges[i].Count)));
        return parts;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // likewise
    private void Merge(AliveReader alive, StatementReader site, int process, SiteTable sites)
    {
        var id = -1L;
        while (alive.Read())
        {
            while (id < alive.Site)
                id = site.Read() ? site.Int64(0) : long.MaxValue;

            if (id == alive.Site)
                sites.Add(SiteOf(site, process, alive.Amount.Bytes, alive.Amount.Blocks) with { IsInherited = site.Int64(5) > 0 });
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // likewise
    private void AddAll(StatementReader site, int process, SiteTable sites)
    {
        while (site.Read())
            sites.Add(SiteOf(site, process, site.Int64(5), site.Int64(6)));
    }

    private Site SiteOf(StatementReader site, int process, long bytes, long blocks) => new(
        process,
        Existing(_threadIds, site.Int64(1), "thread"),
        Existing(_domainIds, site.Int64(2), "domain"),
        ExistingStack(site.Int64(3)),
        bytes,
        blocks,
        unchecked((uint)site.Int64(4)));

    private RowRange RangeOf(TraceSnapshot snapshot) => Extent(
        """
        SELECT (SELECT min(site) FROM snapshot_site WHERE snapshot = ?1), (SELECT max(site) FROM snapshot_site WHERE snapshot = ?1)
        """,
        snapshot.Id);

    private RowRange RangeOf(TraceProcess process) => (_ranges ??= RangesOfProcesses())[_database.IndexOfProcess(process.Id)];

    /// <summary>Finds the sites of each process. SQLite finds those of one, but for several it would read all sites for each.</summary>
    private RowRange[] RangesOfProcesses()
    {
        if (_database.Processes.Count == 1)
            return [AllSites()];

        var ranges = Enumerable.Repeat(RowRange.None, _database.Processes.Count).ToArray();
        using var reader = new StatementReader(_connections.First, "SELECT id, process FROM site");
        while (reader.Read())
        {
            ref var range = ref ranges[_database.IndexOfProcess(reader.Int64(1))];
            range = range.With(reader.Int64(0));
        }

        return ranges;
    }

    private RowRange AllSites() => Extent("SELECT (SELECT min(id) FROM site), (SELECT max(id) FROM site)");

    private RowRange Extent(string sql, params ReadOnlySpan<long> parameters)
    {
        using var reader = new StatementReader(_connections.First, sql, parameters);
        return reader.Read() && !reader.IsNull(0) ? new RowRange(reader.Int64(0), reader.Int64(1)) : RowRange.None;
    }

    private int Existing(ReadOnlySpan<long> ids, long id, string table) => TraceDatabase.Existing(_database.Path, AscendingIds.Find(ids, id), id, table);

    private int ExistingStack(long id) => TraceDatabase.Existing(_database.Path, _database.Stacks.IndexOf(id), id, "stack");
}
