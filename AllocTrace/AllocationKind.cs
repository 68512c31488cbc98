namespace AllocTrace;

/// <summary>The kind of a call of an allocator.</summary>
public enum AllocationKind
{
    /// <summary>The call made a new block.</summary>
    Malloc,

    /// <summary>The call made a new block, filled with zeros.</summary>
    Calloc,

    /// <summary>The call changed the size of a block, which may have moved, or made a new block if it was given none.</summary>
    Realloc,

    /// <summary>The call freed a block.</summary>
    Free,
}
