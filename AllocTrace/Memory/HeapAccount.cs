namespace AllocTrace.Memory;

/// <summary>Accounts for glibc's heaps: which of the bytes in use are recorded, what is free, and what malloc_trim would return.</summary>
/// <param name="parts">Gets the parts.</param>
/// <param name="holds">Gets what sites hold.</param>
/// <param name="blocks">The live blocks.</param>
/// <param name="domainOf">The name of a site's domain.</param>
internal sealed class HeapAccount(PartSums parts, SiteHolds holds, BlockCursor blocks, Func<uint, string> domainOf)
{
    private const long Page = (long)MemoryMap.PageBytes;

    /// <summary>MINSIZE of malloc.c, and one byte: what stays of the uppermost chunk.</summary>
    private const ulong LeastTop = 33;

    private readonly List<Portion> _portions = [];

    /// <summary>Pages without a byte in use since the last page with one.</summary>
    private long _gap;

    /// <summary>Adds a heap.</summary>
    /// <param name="area">It; without <see cref="Area.Heap"/> when nothing is known of its chunks.</param>
    /// <param name="pages">The addresses of its resident pages, ascending.</param>
    /// <param name="trim">Grows by what malloc_trim(0) would return.</param>
    public void Add(Area area, IEnumerable<ulong> pages, ref long trim)
    {
        foreach (var page in pages)
        {
            blocks.Read(page, isHeap: true, _portions);
            var recorded = AddRecorded();
            if (area.Heap is { } heap && heap.UsedOf(page / MemoryMap.PageBytes) is { } inUse)
                AddPage(heap, page, recorded, Math.Max(recorded, inUse), ref trim);
            else
                AddUnknown(recorded);
        }
    }

    private static bool IsTrimmed(HeapRange heap, ulong page) =>
        page + MemoryMap.PageBytes <= heap.Top
        || (heap.IsMain && heap.End - heap.Top > LeastTop && page >= heap.End - (heap.End - heap.Top - LeastTop) / MemoryMap.PageBytes * MemoryMap.PageBytes);

    private long AddRecorded()
    {
        var left = Page;
        foreach (var portion in _portions)
        {
            var bytes = Math.Min(left, portion.Bytes);
            parts.Add(MemoryKind.HeapLive, bytes, Math.Min(bytes, portion.Live), domainOf(portion.Site));
            left -= bytes;
        }

        return Page - left;
    }

    private void AddPage(HeapRange heap, ulong page, long recorded, long inUse, ref long trim)
    {
        var atTop = page + MemoryMap.PageBytes > heap.Top ? (long)(page + MemoryMap.PageBytes - Math.Max(page, heap.Top)) : 0;
        var free = Page - Math.Min(Page, inUse);
        atTop = Math.Min(atTop, free);
        parts.Add(MemoryKind.HeapUnrecorded, Math.Min(Page, inUse) - recorded);
        parts.Add(MemoryKind.HeapTop, atTop);
        parts.Add(MemoryKind.HeapFree, free - atTop);
        if (inUse == 0 && IsTrimmed(heap, page))
            trim += Page;

        if (inUse == 0)
        {
            _gap += page < heap.Top ? Page : 0;
            return;
        }

        // free() returns nothing below a block that is in use: the pages of a gap are kept by the block above it.
        holds.AddPage(_portions, inUse, free - atTop);
        if (_portions is [var first, ..])
            holds.Add(first.Site, _gap);

        _gap = 0;
    }

    private void AddUnknown(long recorded)
    {
        parts.Add(MemoryKind.HeapUnrecorded, Page - recorded);
        holds.AddPage(_portions, recorded, 0);
        _gap = 0;
    }
}
