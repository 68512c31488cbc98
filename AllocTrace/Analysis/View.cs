namespace AllocTrace.Analysis;

/// <summary>The allocations that a snapshot counts.</summary>
public enum View
{
    /// <summary>
    /// Blocks that were live when the interpreter began to finalize, or when the process ended if it never did: they were never freed.
    /// </summary>
    Live,

    /// <summary>Blocks that were live at the process's high-water mark; of several processes, each at its own.</summary>
    Peak,

    /// <summary>All allocations.</summary>
    Total,

    /// <summary>Blocks that were freed before a few further allocations of their thread: work for the allocator, not memory held.</summary>
    Temporary,
}
