using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// How much each line, function or traceback held at the ends of several periods of time. A leak is what keeps growing, a cache what has grown: only
/// the course of time tells them apart.
/// </summary>
public sealed class GrowthSeries
{
    private const int MostPeriods = 10;

    private readonly Grouping _grouping;
    private readonly long[][] _sizes; // by period, then by group
    private readonly long[][] _counts;
    private readonly Variance[]? _variances; // by group, of what it held at the end of the first and of the last period together

    private GrowthSeries(Grouping grouping, IReadOnlyList<string> periods, long[][] sizes, long[][] counts, Variance[]? variances)
    {
        _variances = variances;
        _grouping = grouping;
        Periods = periods;
        _sizes = sizes;
        _counts = counts;
    }

    /// <summary>The moments, oldest first: seconds since the recording began, or the names of snapshots.</summary>
    public IReadOnlyList<string> Periods { get; }

    /// <summary>Reads how a process's memory developed, in at most ten periods of equal length.</summary>
    /// <param name="database">The recording; needed only during the call.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="groupBy">Lines, functions, files or tracebacks.</param>
    /// <param name="filters">What to count: a trace has to pass each of the lists.</param>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static GrowthSeries OfTime(TraceDatabase database, TraceProcess process, GroupBy groupBy, IEnumerable<TraceFilter[]> filters)
    {
        // What happens after the end (finalization) is not growth.
        var end = database.MomentOf(process, "live")?.AtNs ?? long.MaxValue;
        var slices = Enumerable.Range(0, database.Slices.Count)
            .Where(i => database.Slices[i].Process == process.Id && database.Slices[i].StartNs <= end)
            .ToArray();
        var periods = Math.Min(MostPeriods, slices.Length);
        var periodOfSlice = Enumerable.Repeat(-1, database.Slices.Count).ToArray();
        for (var i = 0; i < slices.Length; i++)
            periodOfSlice[slices[i]] = (int)((long)i * periods / slices.Length);

        var grouping = Snapshot.GroupingFor(database, groupBy);
        long[][] sizes = NewTable(periods, grouping.Count), counts = NewTable(periods, grouping.Count);
        var variances = process.SampleBytes == 0 ? null : new Variance[grouping.Count];
        if (periods > 0)
            Read(database, process, filters, periodOfSlice, grouping, sizes, counts, variances);

        var names = slices.GroupBy(i => periodOfSlice[i]).Select(part => $"{Math.Min(end, database.Slices[part.Last()].EndNs) / 1e9:F2} s");
        return new GrowthSeries(grouping, [.. names], sizes, counts, variances);
    }

    /// <summary>Reads how much was alive at snapshots of a recording.</summary>
    /// <param name="snapshots">The snapshots, oldest first, with their names; all of one recording.</param>
    /// <param name="groupBy">Lines, functions, files or tracebacks.</param>
    public static GrowthSeries OfSnapshots(IReadOnlyList<(string Name, Snapshot Snapshot)> snapshots, GroupBy groupBy)
    {
        var grouping = Snapshot.GroupingFor(snapshots[0].Snapshot.Database, groupBy);
        long[][] sizes = NewTable(snapshots.Count, grouping.Count), counts = NewTable(snapshots.Count, grouping.Count);
        var variances = snapshots[0].Snapshot.Database.IsSampled ? new Variance[grouping.Count] : null;
        for (var i = 0; i < sizes.Length; i++)
        {
            var sums = snapshots[i].Snapshot.Sum(grouping, Cumulation.None);
            for (var group = 0; group < grouping.Count; group++)
            {
                (sizes[i][group], counts[i][group]) = sums[group];
                if (variances is not null && (i == 0 || i == sizes.Length - 1))
                    variances[group] += sums.VarianceOf(group);
            }
        }

        return new GrowthSeries(grouping, [.. snapshots.Select(each => each.Name)], sizes, counts, variances);
    }

    /// <summary>
    /// The groups that kept growing: in most periods after the first, in the last third too, and in blocks as well as in bytes. The largest growth
    /// comes first.
    /// </summary>
    public IReadOnlyList<Growth> Growing()
    {
        var last = Periods.Count - 1;
        var growing = new List<Growth>();
        for (var group = 0; last >= 2 && group < _grouping.Count; group++)
        {
            if (_sizes[last][group] <= _sizes[0][group] || _counts[last][group] <= _counts[0][group])
                continue;

            var grown = Enumerable.Range(1, last).Count(period => _sizes[period][group] > _sizes[period - 1][group]);
            if (3 * grown < 2 * last || _sizes[last][group] <= _sizes[last - Math.Max(1, last / 3)][group])
                continue;

            growing.Add(new Growth(
                _grouping.Describe(group, _sizes[last][group], _counts[last][group]),
                [.. _sizes.Select(period => period[group])],
                _counts[last][group] - _counts[0][group],
                grown)
            {
                BytesError = _variances?[group].SizeError ?? 0,
                BlocksError = _variances?[group].CountError ?? 0,
            });
        }

        return [.. growing.OrderByDescending(growth => growth.Bytes).ThenByDescending(growth => growth.Blocks).ThenBy(growth => growth.Group.Traceback)];
    }

    private static long[][] NewTable(int periods, int groups) => [.. Enumerable.Range(0, periods).Select(_ => new long[groups])];

    private static void Read(
        TraceDatabase database, TraceProcess process, IEnumerable<TraceFilter[]> filters, int[] periodOfSlice, Grouping grouping, long[][] sizes,
        long[][] counts, Variance[]? variances)
    {
        var sites = database.Sites.Sites;
        var tests = filters.Select(list => new SiteFilter(database, list)).ToArray();
        var index = database.IndexOfProcess(process.Id);
        var groupOfSite = new int[sites.Length];
        var (first, last) = variances is null ? ([], []) : (new Amount[sites.Length], new Amount[sites.Length]); // what each site held
        for (var i = 0; i < sites.Length; i++)
        {
            groupOfSite[i] = sites[i].Process == index && tests.All(test => test.Passes(sites[i])) ? grouping.GroupOf(sites[i]) : -1;
            if (groupOfSite[i] < 0)
                continue;

            sizes[0][groupOfSite[i]] += sites[i].Bytes; // inherited from the parent
            counts[0][groupOfSite[i]] += sites[i].Blocks;
            if (variances is not null)
                first[i] = last[i] = new Amount(sites[i].Bytes, sites[i].Blocks);
        }

        database.VisitSlices(change =>
        {
            var (period, group) = (periodOfSlice[change.Slice], groupOfSite[change.Site]);
            if (period < 0 || group < 0)
                return;

            sizes[period][group] += change.Allocated.Size - change.Freed.Size;
            counts[period][group] += change.Allocated.Count - change.Freed.Count;
            if (variances is null)
                return;

            var difference = new Amount(change.Allocated.Size - change.Freed.Size, change.Allocated.Count - change.Freed.Count);
            last[change.Site] += difference;
            if (period == 0)
                first[change.Site] += difference;
        });

        for (var i = 0; i < first.Length; i++)
        {
            if (groupOfSite[i] >= 0)
                variances![groupOfSite[i]] += Variance.Of(first[i], process) + Variance.Of(last[i], process);
        }

        // From what happened in each period to what was there at its end.
        for (var period = 1; period < sizes.Length; period++)
        {
            for (var group = 0; group < grouping.Count; group++)
            {
                sizes[period][group] += sizes[period - 1][group];
                counts[period][group] += counts[period - 1][group];
            }
        }
    }
}
