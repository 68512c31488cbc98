namespace AllocTrace.Memory;

/// <summary>The part of a live block on one page.</summary>
/// <param name="Site">Its site.</param>
/// <param name="Bytes">The bytes that the block takes there, with its allocator's overhead.</param>
/// <param name="Live">The bytes of these that the program requested.</param>
/// <param name="IsSmall">True if the whole block is one that pymalloc takes for itself.</param>
/// <param name="IsLong">True if the whole block is so large that it may have a mapping of its own.</param>
internal readonly record struct Portion(uint Site, int Bytes, int Live, bool IsSmall, bool IsLong);

/// <summary>Finds the blocks of pages that are asked for in ascending order.</summary>
/// <param name="blocks">All live blocks, ascending. Of two that overlap the second is left out: an extension reported a part of the first.</param>
internal sealed class BlockCursor(IEnumerable<BlockRange> blocks) : IDisposable
{
    /// <summary>SMALL_REQUEST_THRESHOLD of CPython's obmalloc.</summary>
    private const ulong LargestSmall = 512;

    /// <summary>The smallest M_MMAP_THRESHOLD of glibc.</summary>
    private const ulong LeastMapped = 128 << 10;

    /// <summary>The head of a glibc chunk: a block is that far behind its beginning.</summary>
    private const ulong ChunkHead = 16;

    private readonly IEnumerator<BlockRange> _blocks = blocks.GetEnumerator();
    private bool _isStarted, _isOver;
    private BlockRange _present;
    private ulong _lastEnd;

    /// <summary>Finds what is on a page.</summary>
    /// <param name="page">Its address; not lower than that of the call before.</param>
    /// <param name="isHeap">True if blocks there are glibc's chunks.</param>
    /// <param name="portions">Gets it.</param>
    public void Read(ulong page, bool isHeap, List<Portion> portions)
    {
        portions.Clear();
        if (!_isStarted)
            Advance();

        var end = page + MemoryMap.PageBytes;
        while (!_isOver)
        {
            var (low, high) = Taken(_present, isHeap);
            if (low >= end)
                return;

            if (high > page)
                portions.Add(PortionOf(_present, low, high, page, end));
            if (high > end)
                return;

            Advance();
        }
    }

    public void Dispose() => _blocks.Dispose();

    private static Portion PortionOf(BlockRange block, ulong low, ulong high, ulong page, ulong end)
    {
        var (from, to) = (Math.Max(block.Address, page), Math.Min(block.Address + block.Bytes, end));
        return new Portion(
            block.Site, (int)(Math.Min(high, end) - Math.Max(low, page)), to > from ? (int)(to - from) : 0, block.Bytes <= LargestSmall, block.Bytes >= LeastMapped);
    }

    /// <summary>The addresses that a block takes with what its allocator adds.</summary>
    private static (ulong Low, ulong High) Taken(BlockRange block, bool isHeap)
    {
        if (isHeap)
            return (block.Address - ChunkHead, block.Address - ChunkHead + Math.Max(32, (block.Bytes + 8 + 15) & ~15UL));

        var isMapped = block.Bytes >= LeastMapped && block.Address % MemoryMap.PageBytes == ChunkHead;
        return isMapped
            ? (block.Address - ChunkHead, (block.End + MemoryMap.PageBytes - 1) & ~(MemoryMap.PageBytes - 1))
            : (block.Address, block.Address + Math.Max(16, (block.Bytes + 15) & ~15UL));
    }

    private void Advance()
    {
        _isStarted = true;
        do
        {
            _isOver = !_blocks.MoveNext();
            _present = _isOver ? default : _blocks.Current;
        }
        while (!_isOver && _present.Address < _lastEnd);

        _lastEnd = _present.End;
    }
}
