using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>The stretch of time in which a process kept growing: what a page shows first.</summary>
/// <param name="Process">The process, an index in the list of the recording.</param>
/// <param name="FromNs">The end of its warm-up, in nanoseconds since its recording began.</param>
/// <param name="UntilNs">
/// The time at which it began to end, in nanoseconds since its recording began: frees from then on hide the growth.
/// </param>
internal sealed record GrowthRange(int Process, long FromNs, long UntilNs)
{
    private const int WarmUpShare = 3; // the first third, in which caches fill and modules are imported

    /// <summary>Finds the process that grew most by what <c>alloctrace leaks</c> lists.</summary>
    /// <returns><see langword="null"/> when nothing kept growing.</returns>
    public static GrowthRange? Find(TraceDatabase database, IEnumerable<TraceProcess> processes, IReadOnlyCollection<TraceFilter[]> filters)
    {
        var most = processes
            .Select(process => (Process: process, Bytes: GrowthSeries.OfTime(database, process, GroupBy.Lineno, filters).Growing().Sum(growth => growth.Bytes)))
            .Where(each => each.Bytes > 0)
            .OrderByDescending(each => each.Bytes)
            .FirstOrDefault();
        return most.Process is null ? null : Of(database, most.Process);
    }

    private static GrowthRange? Of(TraceDatabase database, TraceProcess process)
    {
        var end = database.SnapshotOf(process, SnapshotKind.Live)?.AtNs ?? long.MaxValue;
        var slices = database.Slices.Where(slice => slice.Process == process.Id && slice.EndNs <= end).ToArray();
        return slices.Length < 2 ? null : new(database.IndexOfProcess(process.Id), slices[slices.Length / WarmUpShare].StartNs, slices[^1].EndNs);
    }
}
