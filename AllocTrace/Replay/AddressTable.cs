using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AllocTrace.Replay;

/// <summary>
/// The live blocks by address. Instead of hashing each address, blocks lie in sparse pages of 64 KiB of addresses, so the replay keeps the
/// locality that the allocator gave the program: the pages in use are found in a small direct-mapped cache, others in a dictionary.
/// Memory is bounded by the live blocks: pages without any are freed. Used by one thread.
/// </summary>
/// <remarks>
/// A fork is to share pages with its parent until one of them changes: all stores go through <see cref="Put"/> and <see cref="Take"/>, and
/// pages are found by pointer, so a page can be replaced by its copy there.
/// </remarks>
internal sealed unsafe class AddressTable : IDisposable
{
    private const int CachedPages = 1024;

    /// <summary>Pages without blocks that are kept, in case their addresses are used again soon.</summary>
    private const int SpareEmptyPages = 64;

    private readonly Dictionary<ulong, nint> _pages = [];

    /// <summary>Sizes of the blocks whose entry says <see cref="AddressPage.WideSize"/>.</summary>
    private readonly Dictionary<ulong, ulong> _wideSizes = [];

    /// <summary>Blocks that begin between granules.</summary>
    private readonly Dictionary<ulong, Block> _unaligned = [];

    private readonly AddressPage** _cache;

    /// <summary>Stands in the cache where there is nothing: its key is no page's.</summary>
    private readonly AddressPage* _nowhere;

    private int _emptyPages;

    /// <summary>Makes a table without blocks.</summary>
    /// <param name="tag">Or'ed to an address, tells it from the same address in other tables.</param>
    public AddressTable(ulong tag)
    {
        Tag = tag;
        _nowhere = AddressPage.New(ulong.MaxValue);
        _cache = (AddressPage**)NativeMemory.Alloc(CachedPages, (nuint)sizeof(AddressPage*));
        new Span<nint>(_cache, CachedPages).Fill((nint)_nowhere);
    }

    ~AddressTable() => Free();

    public ulong Tag { get; }

    /// <summary>Pages held, each of 32 KiB.</summary>
    public int PageCount => _pages.Count;

    /// <summary>Notes a block.</summary>
    /// <param name="address">Where it begins.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="site">Who allocated it; not 0.</param>
    /// <param name="replacedSize">The size of the block that was noted there.</param>
    /// <returns>The site of the block that was noted there; 0 when there was none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Put(ulong address, ulong size, uint site, out ulong replacedSize)
    {
        var key = address >> AddressPage.AddressBits;
        var page = _cache[key % CachedPages];
        if (page->Key != key || (address & 15) != 0 || size >= AddressPage.WideSize)
        {
            // Through a variable of its own: the caller's stays in a register.
            var elsewhere = PutElsewhere(address, size, site, out var slowSize);
            replacedSize = slowSize;
            return elsewhere;
        }

        var entry = AddressPage.Entry(page, address);
        var old = *entry;
        *entry = (ulong)site << 32 | size;
        if (old == 0)
        {
            if (page->Blocks++ == 0)
                _emptyPages--;
        }

        replacedSize = SizeOf(address, (uint)old);
        return (uint)(old >> 32);
    }

    /// <summary>Forgets a block.</summary>
    /// <param name="address">Where it begins.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <returns>Its site; 0 when there is no such block.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Take(ulong address, out ulong size)
    {
        var key = address >> AddressPage.AddressBits;
        var page = _cache[key % CachedPages];
        if (page->Key != key || (address & 15) != 0)
        {
            var elsewhere = TakeElsewhere(address, out var slowSize);
            size = slowSize;
            return elsewhere;
        }

        var entry = AddressPage.Entry(page, address);
        var old = *entry;
        size = SizeOf(address, (uint)old);
        if (old == 0)
            return 0;

        *entry = 0;
        if (--page->Blocks == 0 && ++_emptyPages > SpareEmptyPages)
            FreeEmptyPages();

        return (uint)(old >> 32);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private uint PutElsewhere(ulong address, ulong size, uint site, out ulong replacedSize)
    {
        if ((address & 15) != 0)
        {
            _unaligned.Remove(address, out var replaced);
            _unaligned[address] = new Block(size, site);
            replacedSize = replaced.Size;
            return replaced.Site;
        }

        var page = FindPage(address >> AddressPage.AddressBits);
        if (page == null)
            page = AddPage(address >> AddressPage.AddressBits);

        var entry = AddressPage.Entry(page, address);
        var old = *entry;
        replacedSize = SizeOf(address, (uint)old);
        if (old == 0 && page->Blocks++ == 0)
            _emptyPages--;

        *entry = (ulong)site << 32 | Math.Min(size, AddressPage.WideSize);
        if (size >= AddressPage.WideSize)
            _wideSizes[address] = size;

        return (uint)(old >> 32);
    }

    private uint TakeElsewhere(ulong address, out ulong size)
    {
        if ((address & 15) != 0)
        {
            _unaligned.Remove(address, out var block);
            size = block.Size;
            return block.Site;
        }

        size = 0;
        return FindPage(address >> AddressPage.AddressBits) == null ? 0 : Take(address, out size);
    }

    /// <summary>The size of a block whose entry is going to be overwritten.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong SizeOf(ulong address, uint entrySize) => entrySize == AddressPage.WideSize ? TakeWideSize(address) : entrySize;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong TakeWideSize(ulong address)
    {
        _wideSizes.Remove(address, out var size);
        return size;
    }

    /// <summary>Finds a page and puts it into the cache; null when there is none.</summary>
    private AddressPage* FindPage(ulong key)
    {
        if (!_pages.TryGetValue(key, out var page))
            return null;

        _cache[key % CachedPages] = (AddressPage*)page;
        return (AddressPage*)page;
    }

    private AddressPage* AddPage(ulong key)
    {
        var page = AddressPage.New(key);
        _pages.Add(key, (nint)page);
        _emptyPages++;
        _cache[key % CachedPages] = page;
        return page;
    }

    /// <summary>Frees the pages without blocks, when they are many: at least as many as it looks at in vain.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeEmptyPages()
    {
        if (_emptyPages < _pages.Count / 2)
            return;

        foreach (var (key, address) in _pages)
        {
            var page = (AddressPage*)address;
            if (page->Blocks != 0)
                continue;

            if (_cache[key % CachedPages] == page)
                _cache[key % CachedPages] = _nowhere;

            AddressPage.Delete(page);
            _pages.Remove(key); // allowed while enumerating
        }

        _emptyPages = 0;
    }

    private void Free()
    {
        foreach (var page in _pages.Values)
            AddressPage.Delete((AddressPage*)page);

        _pages.Clear();
        AddressPage.Delete(_nowhere);
        NativeMemory.Free(_cache);
    }
}
