using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>What one process did with its memory.</summary>
/// <param name="Process">The process.</param>
/// <param name="Peak">Its high-water mark, or <see langword="null"/> when none was recorded.</param>
/// <param name="Live">Its end, or <see langword="null"/> when none was recorded.</param>
/// <param name="Usage">Everything that was counted for it.</param>
/// <param name="Domains">The same by allocator domain, without those it did not use.</param>
/// <param name="Threads">The same by thread, the one that allocated most bytes first.</param>
/// <param name="PeakLines">The lines that held most at the high-water mark.</param>
/// <param name="LiveLines">The lines that held most at the end.</param>
/// <param name="Losses">What is missing.</param>
public sealed record ProcessSummary(
    TraceProcess Process,
    TraceMoment? Peak,
    TraceMoment? Live,
    Usage Usage,
    IReadOnlyList<(TraceDomain Domain, Usage Usage)> Domains,
    IReadOnlyList<(TraceThread Thread, Usage Usage)> Threads,
    StatisticList PeakLines,
    StatisticList LiveLines,
    IReadOnlyList<TraceLoss> Losses)
{
    /// <summary>Reads one process of a recording in one pass.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="lines">How many lines of source to list for the peak and for the end.</param>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static ProcessSummary Read(TraceDatabase database, TraceProcess process, int lines = 5)
    {
        ProcessTotals[] parts = [];
        database.VisitCounters(process, count =>
        {
            parts = [.. Enumerable.Range(0, count).Select(_ => new ProcessTotals(database, process))];
            return [.. parts.Select(part => (SiteVisitor)part.Add)];
        });
        var total = new ProcessTotals(database, process);
        foreach (var part in parts)
            total.Add(part);

        return new ProcessSummary(
            process,
            database.MomentOf(process, "peak"),
            database.MomentOf(process, "live"),
            total.Usage,
            [.. database.Domains.Zip(total.Domains).Where(pair => pair.Second != default)],
            [.. database.Threads.Zip(total.Threads).Where(pair => pair.Second != default).OrderByDescending(pair => pair.Second.Allocated.Size)],
            new Snapshot(database, [.. parts.Select(part => part.Peak)]).Statistics(GroupBy.Lineno, limit: lines),
            new Snapshot(database, [.. parts.Select(part => part.Live)]).Statistics(GroupBy.Lineno, limit: lines),
            [.. database.Losses.Where(loss => loss.Process == process.Id)]);
    }
}
