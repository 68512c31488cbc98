using System.Runtime.CompilerServices;
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // the loop over all sites should not begin in unoptimized code
    public static ProcessSummary Read(TraceDatabase database, TraceProcess process, int lines = 5)
    {
        var domains = new Usage[database.Domains.Count];
        var threads = new Usage[database.Threads.Count];
        var total = default(Usage);
        var index = database.Processes.TakeWhile(other => other.Id != process.Id).Count();
        SiteTable peak = new(), live = new();
        foreach (var site in database.ReadCounters(process))
        {
            var usage = Usage.Of(site);
            total += usage;
            domains[site.Domain] += usage;
            threads[site.Thread] += usage;
            Add(peak, index, site, site.Peak);
            Add(live, index, site, site.Live);
        }

        return new ProcessSummary(
            process,
            database.MomentOf(process, "peak"),
            database.MomentOf(process, "live"),
            total,
            [.. database.Domains.Zip(domains).Where(pair => pair.Second != default)],
            [.. database.Threads.Zip(threads).Where(pair => pair.Second != default).OrderByDescending(pair => pair.Second.Allocated.Size)],
            new Snapshot(database, peak).Statistics(GroupBy.Lineno, limit: lines),
            new Snapshot(database, live).Statistics(GroupBy.Lineno, limit: lines),
            [.. database.Losses.Where(loss => loss.Process == process.Id)]);
    }

    private static void Add(SiteTable sites, int process, in SiteCounters site, Amount amount)
    {
        if (amount.Count > 0)
            sites.Add(new Site(process, site.Thread, site.Domain, site.Stack, amount.Size, amount.Count));
    }
}
