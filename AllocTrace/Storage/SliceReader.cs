using System.Runtime.CompilerServices;

namespace AllocTrace.Storage;

/// <summary>Reads what happened in slices of time.</summary>
internal static class SliceReader
{
    /// <summary>The slices of all processes, by process and time.</summary>
    public static TraceSlice[] Slices(ReadConnection connection)
    {
        var slices = new List<TraceSlice>();
        using var reader = new StatementReader(
            connection,
            """
            SELECT id, process, start_ns, end_ns, live_bytes, live_blocks, highest_bytes, resident_bytes FROM slice ORDER BY process, start_ns, id
            """);
        while (reader.Read())
        {
            slices.Add(new TraceSlice(
                reader.CheckedInt64(0), reader.CheckedInt64(1), reader.CheckedInt64(2), reader.CheckedInt64(3), reader.CheckedInt64(4),
                reader.CheckedInt64(5), reader.CheckedInt64(6), reader.NullableInt64(7)));
        }

        return [.. slices];
    }

    /// <summary>All sites.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static SiteIndex Sites(TraceDatabase database, ReadConnection connection)
    {
        long[] threads = [.. database.Threads.Select(thread => thread.Id)], domains = [.. database.Domains.Select(domain => domain.Id)];
        var ids = new List<long>();
        var sites = new List<Site>();
        using var reader = new StatementReader(
            connection, "SELECT id, process, thread, domain, stack, inherited_bytes, inherited_blocks FROM site ORDER BY id");
        while (reader.Read())
        {
            ids.Add(reader.Int64(0));
            sites.Add(new Site(
                database.IndexOfProcess(reader.Int64(1)),
                TraceDatabase.Existing(database.Path, AscendingIds.Find(threads, reader.Int64(2)), reader.Int64(2), "thread"),
                TraceDatabase.Existing(database.Path, AscendingIds.Find(domains, reader.Int64(3)), reader.Int64(3), "domain"),
                TraceDatabase.Existing(database.Path, database.Stacks.IndexOf(reader.Int64(4)), reader.Int64(4), "stack"),
                reader.Int64(5),
                reader.Int64(6)));
        }

        return new SiteIndex([.. ids], [.. sites]);
    }

    /// <summary>Visits every change, in the order of slices of the database.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Visit(TraceDatabase database, ReadConnection connection, SiteIndex sites, Action<SliceChange> visit)
    {
        var slices = new Dictionary<long, int>();
        for (var i = 0; i < database.Slices.Count; i++)
            slices.Add(database.Slices[i].Id, i);

        using var reader = new StatementReader(
            connection, "SELECT slice, site, allocated_bytes, allocated_blocks, freed_bytes, freed_blocks FROM slice_site ORDER BY slice, site");
        while (reader.Read())
        {
            var slice = slices.TryGetValue(reader.Int64(0), out var index) ? index : -1;
            visit(new SliceChange(
                TraceDatabase.Existing(database.Path, slice, reader.Int64(0), "slice"),
                TraceDatabase.Existing(database.Path, sites.IndexOf(reader.Int64(1)), reader.Int64(1), "site"),
                new(reader.Int64(2), reader.Int64(3)),
                new(reader.Int64(4), reader.Int64(5))));
        }
    }
}
