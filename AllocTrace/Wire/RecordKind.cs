namespace AllocTrace.Wire;

/// <summary>The kind of a record: the upper four bits of its first word. Below them: four bits of domain and 56 bits of operand.</summary>
internal enum RecordKind : byte
{
    /// <summary>Never written.</summary>
    None = 0,

    /// <summary>16 bytes; second word: stack in the upper half, size in the lower. Written after the real call.</summary>
    Malloc = 1,

    /// <summary>Like <see cref="Malloc"/>.</summary>
    Calloc = 2,

    /// <summary>
    /// Like <see cref="Malloc"/>: the new block, or address 0 when sampling left it out. Ends the thread's <see cref="ReallocBegin"/> of that
    /// domain, if there is one.
    /// </summary>
    Realloc = 3,

    /// <summary>8 bytes. Written before the real call.</summary>
    Free = 4,

    /// <summary>8 bytes: the old block, before the real call.</summary>
    ReallocBegin = 5,

    /// <summary>8 bytes: the old block is unchanged.</summary>
    ReallocFailed = 6,

    /// <summary>16 bytes: the operand is the ticket; second word CLOCK_MONOTONIC, ns.</summary>
    Batch = 7,

    /// <summary>16 bytes: the domain is a <see cref="MarkKind"/>, the operand its argument; second word CLOCK_MONOTONIC, ns.</summary>
    Mark = 8,

    /// <summary>24 bytes: stack in the upper half of the second word, the size is the third. For sizes of 4 GiB and more.</summary>
    MallocWide = 9,

    CallocWide = 10,
    ReallocWide = 11,

    /// <summary>24 bytes: the operand is how many events of this thread are missing here; first and last time, ns.</summary>
    Lost = 12,

    /// <summary>
    /// 8 bytes: the operand is how many allocations the thread made since the one whose block its next <see cref="Free"/> or
    /// <see cref="ReallocBegin"/> ends. Only when sampling.
    /// </summary>
    Age = 13,

    /// <summary>
    /// 16 bytes: the address; second word: the length. Written before the real call. Ends the parts of mappings in the range.
    /// </summary>
    Unmap = 14,

    /// <summary>
    /// 32 bytes: the operand is the flags of the trace; a <see cref="SpanContext"/>. The span for which the thread makes its next block. Only when
    /// sampling.
    /// </summary>
    Context = 15,
}
