namespace AllocTrace;

/// <summary>The calls of an allocator.</summary>
public enum AllocationKind
{
    /// <summary>A new block.</summary>
    Malloc,

    /// <summary>A new block of zeros.</summary>
    Calloc,

    /// <summary>A block of another size in place of one, or a new block when there was none.</summary>
    Realloc,

    /// <summary>The end of a block.</summary>
    Free,
}
