using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace AllocTrace.Replay;

/// <summary>
/// The live blocks by address. Blocks are in sparse pages of 64 KiB of addresses instead of a hash table, so the replay keeps the locality
/// that the allocator gave the program. The pages in use are found in a small direct-mapped cache, others in a dictionary. Live blocks
/// bound the memory: empty pages are freed. Used by one thread.
/// </summary>
/// <remarks>
/// A clone shares pages until one of the tables changes them. A page that is shared is in no table's cache, so the fast ways never meet one;
/// the slow ones replace it by a copy.
/// </remarks>
internal sealed unsafe partial class AddressTable : IDisposable
{
    private const int CachedPages = 1024;

    /// <summary>Pages without blocks that are kept, in case their addresses are used again soon.</summary>
    private const int SpareEmptyPages = 64;

    private readonly Dictionary<ulong, nint> _pages;

    /// <summary>Sizes of the blocks whose entry says <see cref="AddressPage.WideBytes"/>.</summary>
    private readonly Dictionary<ulong, ulong> _wideBytes;

    /// <summary>Blocks that begin between granules.</summary>
    private readonly Dictionary<ulong, LiveBlock> _unaligned;

    /// <summary>Stands in a cache where there is nothing: its key is no page's.</summary>
    private static readonly AddressPage* _nowhere = AddressPage.New(ulong.MaxValue);

    private AddressPage** _cache = NewCache();

    private int _emptyPages;

    public AddressTable()
    {
        _pages = [];
        _wideBytes = [];
        _unaligned = [];
    }

    private AddressTable(AddressTable other)
    {
        _pages = new(other._pages);
        _wideBytes = new(other._wideBytes);
        _unaligned = new(other._unaligned);
        _emptyPages = other._emptyPages;
        foreach (var page in _pages.Values)
            AddressPage.Share((AddressPage*)page);
    }

    ~AddressTable() => Free();

    /// <summary>The <see cref="Pages"/> of a table without blocks, as long as there is none.</summary>
    public static AddressPage** NoPages { get; } = NewCache();

    /// <summary>The pages in use, for <see cref="TryPut"/> and <see cref="TryTake"/>; valid until <see cref="Dispose"/>.</summary>
    public AddressPage** Pages => _cache;

    /// <summary>Pages held, each of 32 KiB.</summary>
    public int PageCount => _pages.Count;

    /// <summary>Has the entry of an address fetched into the cache: with many live blocks, most of a replay's time is waiting for entries.</summary>
    /// <param name="pages">A table's <see cref="Pages"/>.</param>
    /// <param name="address">Any number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(AddressPage** pages, ulong address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(AddressPage.Entry(pages[(address >> AddressPage.AddressBits) % CachedPages], address));
    }

    /// <summary>Notes a block in the usual case: a free place on a page that holds others and is in the cache.</summary>
    /// <returns>True if that was the case; if not, nothing happened, and <see cref="Put"/> does it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPut(AddressPage** pages, ulong address, uint bytes, uint site)
    {
        var key = address >> AddressPage.AddressBits;
        var page = pages[key % CachedPages];
        var entry = AddressPage.Entry(page, address);
        if (page->Key != key || page->Blocks == 0 || *entry != 0 || (address & 15) != 0 || bytes == AddressPage.WideBytes)
            return false;

        *entry = (ulong)site << 32 | bytes;
        page->Blocks++;
        return true;
    }

    /// <summary>Forgets a block in the usual case: on a page that holds others and is in the cache.</summary>
    /// <returns>The entry (see <see cref="AddressPage"/>); 0 when that was not the case, and <see cref="Take"/> does it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong TryTake(AddressPage** pages, ulong address)
    {
        var key = address >> AddressPage.AddressBits;
        var page = pages[key % CachedPages];
        var entry = AddressPage.Entry(page, address);
        var old = *entry;
        if (page->Key != key || old == 0 || page->Blocks == 1 || (address & 15) != 0 || (uint)old == AddressPage.WideBytes)
            return 0;

        *entry = 0;
        page->Blocks--;
        return old;
    }

    /// <summary>Notes a block.</summary>
    /// <param name="address">The address of the block.</param>
    /// <param name="bytes">Bytes.</param>
    /// <param name="site">The site that allocated it; not 0.</param>
    /// <param name="replacedBytes">The size of the block that was noted there.</param>
    /// <returns>The site of the block that was noted there; 0 when there was none.</returns>
    public uint Put(ulong address, ulong bytes, uint site, out ulong replacedBytes)
    {
        if ((address & 15) != 0)
        {
            _unaligned.Remove(address, out var replaced);
            _unaligned[address] = new LiveBlock(bytes, site);
            replacedBytes = replaced.Bytes;
            return replaced.Site;
        }

        var page = FindPage(address >> AddressPage.AddressBits);
        if (page == null)
            page = AddPage(address >> AddressPage.AddressBits);

        var entry = AddressPage.Entry(page, address);
        var old = *entry;
        replacedBytes = BytesOf(address, (uint)old);
        if (old == 0 && page->Blocks++ == 0)
            _emptyPages--;

        *entry = (ulong)site << 32 | Math.Min(bytes, AddressPage.WideBytes);
        if (bytes >= AddressPage.WideBytes)
            _wideBytes[address] = bytes;

        return (uint)(old >> 32);
    }

    /// <summary>Forgets a block.</summary>
    /// <param name="address">The address of the block.</param>
    /// <param name="bytes">Its size in bytes.</param>
    /// <returns>Its site; 0 when there is no such block.</returns>
    public uint Take(ulong address, out ulong bytes)
    {
        if ((address & 15) != 0)
        {
            _unaligned.Remove(address, out var block);
            bytes = block.Bytes;
            return block.Site;
        }

        bytes = 0;
        var page = FindPage(address >> AddressPage.AddressBits);
        if (page == null)
            return 0;

        var entry = AddressPage.Entry(page, address);
        var old = *entry;
        if (old == 0)
            return 0;

        bytes = BytesOf(address, (uint)old);
        *entry = 0;
        if (--page->Blocks == 0 && ++_emptyPages > SpareEmptyPages)
            FreeEmptyPages();

        return (uint)(old >> 32);
    }

    /// <summary>Looks a block up.</summary>
    /// <param name="address">The address of the block.</param>
    /// <param name="bytes">Its size in bytes.</param>
    /// <returns>Its site; 0 when there is no such block.</returns>
    public uint Find(ulong address, out ulong bytes)
    {
        bytes = 0;
        if ((address & 15) != 0)
        {
            _ = _unaligned.TryGetValue(address, out var block);
            bytes = block.Bytes;
            return block.Site;
        }

        if (!_pages.TryGetValue(address >> AddressPage.AddressBits, out var page))
            return 0;

        var entry = *AddressPage.Entry((AddressPage*)page, address);
        bytes = (uint)entry == AddressPage.WideBytes ? _wideBytes[address] : (uint)entry;
        return (uint)(entry >> 32);
    }

    /// <summary>A table with the same blocks. It may be used by another thread than this one.</summary>
    public AddressTable Clone()
    {
        var clone = new AddressTable(this);
        new Span<nint>(_cache, CachedPages).Fill((nint)_nowhere);
        return clone;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>The size of a block whose entry is going to be overwritten.</summary>
    private ulong BytesOf(ulong address, uint entryBytes)
    {
        ulong bytes = entryBytes;
        if (entryBytes == AddressPage.WideBytes)
            _wideBytes.Remove(address, out bytes);

        return bytes;
    }

    /// <summary>Finds a page for writing and puts it into the cache; null when there is none.</summary>
    private AddressPage* FindPage(ulong key)
    {
        var cached = _cache[key % CachedPages];
        if (cached->Key == key)
            return cached;

        if (!_pages.TryGetValue(key, out var found))
            return null;

        var page = (AddressPage*)found;
        if (AddressPage.IsShared(page))
        {
            var copy = AddressPage.Copy(page);
            AddressPage.Release(page);
            _pages[key] = (nint)copy;
            page = copy;
        }

        _cache[key % CachedPages] = page;
        return page;
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

            AddressPage.Release(page);
            _pages.Remove(key); // allowed while enumerating
        }

        _emptyPages = 0;
    }

    private void Free()
    {
        foreach (var page in _pages.Values)
            AddressPage.Release((AddressPage*)page);

        _pages.Clear();
        NativeMemory.Free(_cache);
        _cache = null;
    }

    private static AddressPage** NewCache()
    {
        var cache = (AddressPage**)NativeMemory.Alloc(CachedPages, (nuint)sizeof(AddressPage*));
        new Span<nint>(cache, CachedPages).Fill((nint)_nowhere);
        return cache;
    }
}
