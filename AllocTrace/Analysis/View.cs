namespace AllocTrace.Analysis;

/// <summary>Which allocations a snapshot counts.</summary>
public enum View
{
    /// <summary>
    /// Blocks alive when the interpreter began to finalize, or when the process ended if it never did: what was never given back.
    /// </summary>
    Live,

    /// <summary>Blocks alive at the process's high-water mark. Of several processes, each at its own.</summary>
    Peak,

    /// <summary>Every allocation there was.</summary>
    Total,

    /// <summary>Allocations freed again before a few further ones of the same thread: work for the allocator, not memory held.</summary>
    Temporary,
}
