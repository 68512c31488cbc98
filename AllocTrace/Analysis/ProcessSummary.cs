using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Sums up the memory of one process.</summary>
/// <param name="Process">The process.</param>
/// <param name="Peak">The high-water mark, or <see langword="null"/> if none was recorded.</param>
/// <param name="Live">The end, or <see langword="null"/> if none was recorded.</param>
/// <param name="Usage">The amounts that were counted for the process.</param>
/// <param name="Domains">The amounts by allocator domain, with their errors (as <see cref="Error"/>). Unused domains are left out.</param>
/// <param name="Threads">The amounts by thread, with their errors. The thread that allocated most bytes comes first.</param>
/// <param name="PeakLines">The lines that held most at the high-water mark.</param>
/// <param name="LiveLines">The lines that held most at the end.</param>
/// <param name="Losses">The losses of the process.</param>
public sealed record ProcessSummary(
    TraceProcess Process,
    TraceSnapshot? Peak,
    TraceSnapshot? Live,
    Usage Usage,
    IReadOnlyList<(TraceDomain Domain, Usage Usage, Usage Error)> Domains,
    IReadOnlyList<(TraceThread Thread, Usage Usage, Usage Error)> Threads,
    StatisticList PeakLines,
    StatisticList LiveLines,
    IReadOnlyList<TraceLoss> Losses)
{
    /// <summary>
    /// The amounts by which those in <see cref="Usage"/> may be off in 95 of 100 cases; 0 unless allocations were sampled.
    /// </summary>
    public Usage Error { get; init; }

    /// <summary>True if allocations were sampled: the amounts are estimates.</summary>
    public bool IsSampled => Process.SampleBytes != 0;

    /// <summary>Reads one process of a recording in one pass.</summary>
    /// <param name="database">The recording.</param>
    /// <param name="process">One of its processes.</param>
    /// <param name="lines">The number of source lines to list for the peak and for the end, 0 for all.</param>
    /// <returns>The summary.</returns>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static ProcessSummary Read(TraceDatabase database, TraceProcess process, int lines = 5)
    {
        ProcessTotals[] parts = [];
        database.VisitCounters(process, ranges =>
        {
            parts = [.. ranges.Select(range => new ProcessTotals(database, process, range.Count))];
            return [.. parts.Select(part => (SiteVisitor)part.Add)];
        });
        var total = new ProcessTotals(database, process);
        foreach (var part in parts)
            total.Add(part);

        return new ProcessSummary(
            process,
            database.SnapshotOf(process, SnapshotKind.Peak),
            database.SnapshotOf(process, SnapshotKind.Live),
            total.Usage,
            [.. database.Domains.Select((domain, i) => (Domain: domain, Usage: total.Domains[i], Error: total.DomainError(i))).Where(row => row.Usage != default)],
            [.. database.Threads.Select((thread, i) => (Thread: thread, Usage: total.Threads[i], Error: total.ThreadError(i))).Where(row => row.Usage != default)
                .OrderByDescending(row => row.Usage.Allocated.Bytes)],
            new Snapshot(database, [.. parts.Select(part => part.Peak)]).Statistics(GroupBy.Lineno, limit: lines),
            new Snapshot(database, [.. parts.Select(part => part.Live)]).Statistics(GroupBy.Lineno, limit: lines),
            [.. database.Losses.Where(loss => loss.Process == process.Id)])
        {
            Error = total.Error,
        };
    }
}
