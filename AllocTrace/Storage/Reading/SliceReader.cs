using System.Runtime.CompilerServices;

namespace AllocTrace.Storage;

/// <summary>Reads what happened in slices of time.</summary>
internal static class SliceReader
{
    private const int MostParts = 64;

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

    /// <summary>Visits every change, in the order of slices of the database; several cores read ahead.</summary>
    public static void Visit(TraceDatabase database, ReadConnections connections, Action<SliceChange> visit)
    {
        var slices = new Dictionary<long, int>();
        for (var i = 0; i < database.Slices.Count; i++)
            slices.Add(database.Slices[i].Id, i);

        _ = database.Sites; // before several threads ask for them
        long[] ids = [.. slices.Keys.Order()];
        RowRange[] parts = ids is [] ? [RowRange.None] : [.. ids.Chunk((ids.Length / MostParts) + 1).Select(chunk => new RowRange(chunk[0], chunk[^1]))];
        parts[0] = parts[0] with { First = long.MinValue }; // what is of no slice is found at both ends
        parts[^1] = parts[^1] with { Last = long.MaxValue };
        for (var i = 1; i < parts.Length; i++)
            parts[i] = parts[i] with { First = parts[i - 1].Last + 1 };

        var order = new Lock();
        var read = new List<SliceChange>?[parts.Length];
        var next = 0;
        connections.ReadParts(parts.Length, (connection, i) =>
        {
            var changes = Read(database, connection, parts[i], slices);
            lock (order)
            {
                for (read[i] = changes; next < read.Length && read[next] is { } part; read[next++] = null)
                    part.ForEach(visit);
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // this runs once, with all its work in one loop
    private static List<SliceChange> Read(TraceDatabase database, ReadConnection connection, RowRange range, Dictionary<long, int> slices)
    {
        var changes = new List<SliceChange>();
        var (id, slice) = (0L, -1);
        using var reader = new StatementReader(
            connection, "SELECT slice, site, allocated_bytes, allocated_blocks, freed_bytes, freed_blocks FROM slice_site WHERE slice >= ? ORDER BY slice, site", range.First);
        while (reader.Read() && reader.Int64(0) is var its && its <= range.Last)
        {
            if (its != id || slice < 0)
                (id, slice) = (its, TraceDatabase.Existing(database.Path, slices.GetValueOrDefault(its, -1), its, "slice"));

            changes.Add(new SliceChange(
                slice,
                TraceDatabase.Existing(database.Path, database.Sites.IndexOf(reader.Int64(1)), reader.Int64(1), "site"),
                new(reader.Int64(2), reader.Int64(3)),
                new(reader.Int64(4), reader.Int64(5))));
        }

        return changes;
    }
}
