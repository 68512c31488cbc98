namespace AllocTrace.Memory;

/// <summary>A heap of glibc.</summary>
/// <param name="Start">Its first address.</param>
/// <param name="End">The address behind it.</param>
/// <param name="Top">The address of its last chunk, which is free; <paramref name="End"/> if there is none.</param>
/// <param name="WalkedEnd">The end of what is known of it.</param>
/// <param name="IsMain">True for the one that grows by brk.</param>
internal sealed record HeapRange(ulong Start, ulong End, ulong Top, ulong WalkedEnd, bool IsMain)
{
    /// <summary>By page: the bytes in chunks that are in use.</summary>
    public IReadOnlyList<ushort> Used { get; set; } = [];

    /// <summary>Returns the bytes of a page in chunks in use; <see langword="null"/> if unknown.</summary>
    public int? UsedOf(ulong page)
    {
        var index = page - Start / MemoryMap.PageBytes;
        if (page * MemoryMap.PageBytes >= WalkedEnd)
            return null;

        return index < (ulong)Used.Count ? Used[(int)index] : 0; // behind the last one in use
    }
}
