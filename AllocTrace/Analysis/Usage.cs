using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The amounts that are counted for a site, a thread, a domain or a process.</summary>
/// <param name="Allocated">All allocations.</param>
/// <param name="Freed">Blocks that were freed.</param>
/// <param name="Temporary">
/// Blocks that were freed before a few further allocations of their thread (<see cref="TraceProcess.TemporaryThreshold"/>).
/// </param>
/// <param name="Peak">Blocks that were live at the process's high-water mark.</param>
/// <param name="Live">Blocks that were live when the interpreter began to finalize, or when the process ended if it never did.</param>
public readonly record struct Usage(MemoryAmount Allocated, MemoryAmount Freed, MemoryAmount Temporary, MemoryAmount Peak, MemoryAmount Live)
{
    /// <summary>Adds all amounts.</summary>
    /// <param name="a">One usage.</param>
    /// <param name="b">The other usage.</param>
    /// <returns>The sum.</returns>
    public static Usage operator +(Usage a, Usage b) =>
        new(a.Allocated + b.Allocated, a.Freed + b.Freed, a.Temporary + b.Temporary, a.Peak + b.Peak, a.Live + b.Live);

    internal static Usage Of(in SiteCounters site) => new(site.Allocated, site.Freed, site.Temporary, site.Peak, site.Live);
}
