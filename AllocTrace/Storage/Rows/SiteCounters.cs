namespace AllocTrace.Storage;

/// <summary>One place that allocates, with everything that is counted for it.</summary>
/// <param name="Thread">An index in <see cref="TraceDatabase.Threads"/>.</param>
/// <param name="Domain">An index in <see cref="TraceDatabase.Domains"/>.</param>
/// <param name="Stack">An index in the <see cref="StackTable"/>.</param>
/// <param name="Allocated">All allocations.</param>
/// <param name="Freed">Those that were freed.</param>
/// <param name="Temporary">Those that were freed at once.</param>
/// <param name="Peak">Blocks that were live at the process's high-water mark.</param>
/// <param name="Live">Blocks that were live at the end.</param>
/// <param name="Expression">The expression of the innermost line, packed as in the database; 0 if unknown.</param>
internal readonly record struct SiteCounters(
    int Thread,
    int Domain,
    int Stack,
    MemoryAmount Allocated,
    MemoryAmount Freed,
    MemoryAmount Temporary,
    MemoryAmount Peak,
    MemoryAmount Live,
    uint Expression);
