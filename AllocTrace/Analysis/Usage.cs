using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Everything that is counted for a place, a thread, a domain or a process.</summary>
/// <param name="Allocated">All allocations.</param>
/// <param name="Freed">Those that were freed.</param>
/// <param name="Temporary">Those freed again before a few further allocations of their thread.</param>
/// <param name="Peak">Those alive at the process's high-water mark.</param>
/// <param name="Live">Those alive when the interpreter began to finalize, or when the process ended if it never did.</param>
public readonly record struct Usage(MemoryAmount Allocated, MemoryAmount Freed, MemoryAmount Temporary, MemoryAmount Peak, MemoryAmount Live)
{
    /// <summary>Adds everything.</summary>
    public static Usage operator +(Usage a, Usage b) =>
        new(a.Allocated + b.Allocated, a.Freed + b.Freed, a.Temporary + b.Temporary, a.Peak + b.Peak, a.Live + b.Live);

    internal static Usage Of(in SiteCounters site) => new(site.Allocated, site.Freed, site.Temporary, site.Peak, site.Live);
}
