using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>A period of a process's time.</summary>
/// <param name="From">The beginning.</param>
/// <param name="Until">The end.</param>
/// <param name="Allocated">The allocations in the period.</param>
/// <param name="Alive">The blocks that were live at its end.</param>
public sealed record SnapshotPeriod(DateTimeOffset From, DateTimeOffset Until, Snapshot Allocated, Snapshot Alive)
{
    /// <summary>The amounts of <see cref="Allocated"/> that samples allocated for spans of traces.</summary>
    internal IReadOnlyList<SpanChange> Spans { get; init; } = [];
}

/// <summary>The course of a recording as a series of snapshots.</summary>
public static class SnapshotSeries
{
    /// <summary>Divides the time of a process into periods of equal length, of whole time slices each.</summary>
    /// <param name="database">The recording, which must stay open while the sequence is read.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="periods">The largest number of periods, at least 1.</param>
    /// <returns>The periods, oldest first, read while the sequence is enumerated.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="periods"/> is below 1.</exception>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static IEnumerable<SnapshotPeriod> Read(TraceDatabase database, TraceProcess process, int periods)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(periods, 1);
        var slices = Enumerable.Range(0, database.Slices.Count).Where(i => database.Slices[i].Process == process.Id).ToArray();
        var sites = database.Sites.Sites;
        var alive = new MemoryAmount[sites.Length];
        var index = database.IndexOfProcess(process.Id);
        for (var i = 0; i < sites.Length; i++)
            alive[i] = sites[i].Process == index ? new MemoryAmount(sites[i].Bytes, sites[i].Blocks) : default; // inherited

        var changes = new List<SliceChange>[slices.Length];
        var numberOfSlice = slices.Index().ToDictionary(each => each.Item, each => each.Index);
        database.VisitSlices(change =>
        {
            if (numberOfSlice.TryGetValue(change.Slice, out var number))
                (changes[number] ??= []).Add(change);
        });

        var spans = database.ReadSpans().ToLookup(change => change.Slice);
        var count = Math.Min(periods, slices.Length);
        for (var period = 0; period < count; period++)
        {
            int begin = (int)((long)period * slices.Length / count), end = (int)((period + 1L) * slices.Length / count);
            var allocated = new Dictionary<int, MemoryAmount>();
            foreach (var change in changes[begin..end].Where(each => each is not null).SelectMany(each => each))
            {
                allocated[change.Site] = allocated.GetValueOrDefault(change.Site) + change.Allocated;
                alive[change.Site] += new MemoryAmount(change.Allocated.Bytes - change.Freed.Bytes, change.Allocated.Blocks - change.Freed.Blocks);
            }

            yield return new SnapshotPeriod(
                process.StartedAt.AddTicks(database.Slices[slices[begin]].StartNs / 100),
                process.StartedAt.AddTicks(database.Slices[slices[end - 1]].EndNs / 100),
                Snapshot(allocated.OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value))),
                Snapshot(alive.Index()))
            {
                Spans = [.. slices[begin..end].SelectMany(slice => spans[slice])],
            };
        }

        Snapshot Snapshot(IEnumerable<(int Site, MemoryAmount Amount)> amounts)
        {
            var table = new SiteTable();
            foreach (var (site, amount) in amounts)
            {
                if (amount.Blocks > 0)
                    table.Add(sites[site] with { Bytes = amount.Bytes, Blocks = amount.Blocks });
            }

            return new Snapshot(database, [table]);
        }
    }
}
