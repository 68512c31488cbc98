using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// The bytes that each line, function or traceback held over time. A leak keeps growing, a cache stops: only the course of time
/// distinguishes them (<c>docs/leaks.md</c> has the rule). Immutable.
/// </summary>
public sealed class GrowthSeries
{
    private const long LeastThreshold = 1024;

    private readonly Growth[] _growing;
    private readonly long _threshold;

    internal GrowthSeries(IReadOnlyList<string> periods, IEnumerable<Growth> growing, long size, long freedAtEnd = 0)
    {
        Periods = periods;
        FreedAtEnd = freedAtEnd;
        _growing = [.. growing];

        // A hundredth of the largest growth, and a thousandth of all memory: smaller ones distract.
        _threshold = Math.Max(LeastThreshold, Math.Max(size / 1000, _growing.Select(growth => growth.Bytes / 100).DefaultIfEmpty().Max()));
    }

    /// <summary>The ends of the periods, oldest first: seconds since the recording began, or the names of snapshots.</summary>
    public IReadOnlyList<string> Periods { get; }

    /// <summary>The bytes that the program freed after the last period, while it ended; those of a main function, for example.</summary>
    public long FreedAtEnd { get; }

    /// <summary>Reads the course of a process's memory, in at most ten periods of equal length.</summary>
    /// <param name="database">The recording; needed only during the call.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="groupBy">The key of the groups: lines, functions, files or tracebacks.</param>
    /// <param name="filters">Lists of filters, each of which a trace must pass.</param>
    /// <param name="own">
    /// True to attribute growth to the innermost frame of the user's own code (<see cref="Snapshot.AttributeToOwnCode"/>).
    /// </param>
    /// <returns>The series.</returns>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static GrowthSeries OfTime(TraceDatabase database, TraceProcess process, GroupBy groupBy, IEnumerable<TraceFilter[]> filters, bool own = false) =>
        new TimeGrowth(database, process, ProcessCourse.Read(database, process, filters)).Series(groupBy, own);

    /// <summary>
    /// Compares snapshots of a recording. A group kept growing if it grew between at least two thirds of the neighboring snapshots, and
    /// lately.
    /// </summary>
    /// <param name="snapshots">The snapshots with their names, oldest first; all of one open recording, and at least one.</param>
    /// <param name="groupBy">The key of the groups: lines, functions, files or tracebacks.</param>
    /// <returns>The series.</returns>
    public static GrowthSeries OfSnapshots(IReadOnlyList<(string Name, Snapshot Snapshot)> snapshots, GroupBy groupBy)
    {
        var last = snapshots[^1].Snapshot;
        var grouping = Snapshot.GroupingFor(last.Database, groupBy);
        GroupSums[] sums = [.. snapshots.Select(each => each.Snapshot.Sum(grouping, Cumulation.None))];
        int[] groups = [.. Enumerable.Range(0, grouping.Count).Where(group => KeptGrowing([.. sums.Select(each => each[group].Bytes)]))];
        var statistics = sums[^1].Describe(grouping, groups, last.Details(grouping, groups));
        return new GrowthSeries([.. snapshots.Select(each => each.Name)], groups.Select(GrowthOf), last.Bytes);

        Growth GrowthOf(int group, int i)
        {
            long[] sizes = [.. sums.Select(each => each[group].Bytes)];
            var variance = sums[0].VarianceOf(group) + sums[^1].VarianceOf(group);
            return new Growth(statistics[i], sizes, sizes[^1] - sizes[0], sums[^1][group].Blocks - sums[0][group].Blocks, TimesGrown(sizes))
            {
                BytesError = variance.BytesError,
                BlocksError = variance.BlocksError,
            };
        }
    }

    /// <summary>Lists the groups that kept growing.</summary>
    /// <param name="least">
    /// The least growth of a group, in bytes; <see langword="null"/> for a hundredth of the largest growth, a thousandth of all memory, and
    /// at least 1 KiB.
    /// </param>
    /// <returns>The groups, the largest growth first.</returns>
    public GrowthList Growing(long? least = null) => new(_growing, least ?? _threshold);

    internal static int TimesGrown(IReadOnlyList<long> sizes) => Enumerable.Range(1, sizes.Count - 1).Count(i => sizes[i] > sizes[i - 1]);

    private static bool KeptGrowing(long[] sizes) =>
        sizes.Length >= 3 && sizes[^1] > sizes[0] && 3 * TimesGrown(sizes) >= 2 * (sizes.Length - 1) && sizes[^1] > sizes[^(1 + Math.Max(1, (sizes.Length - 1) / 3))];
}
