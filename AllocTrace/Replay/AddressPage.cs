using System.Runtime.InteropServices;

namespace AllocTrace.Replay;

/// <summary>
/// The blocks whose addresses share their upper bits: an entry for each granule, 0 when no block begins there, otherwise the site in the
/// upper half and the size in the lower. Native memory; the entries follow the head directly.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = HeadBytes)]
internal unsafe struct AddressPage
{
    /// <summary>Blocks begin at multiples of 16: CPython's allocators and malloc align to that on 64-bit systems.</summary>
    public const int GranuleBits = 4;

    public const int AddressBits = 16;
    public const int Granules = 1 << (AddressBits - GranuleBits);

    /// <summary>A size that does not fit: the table has it elsewhere.</summary>
    public const uint WideBytes = uint.MaxValue;

    private const int HeadBytes = 64;

    /// <summary>The upper bits of the addresses.</summary>
    [FieldOffset(0)] public ulong Key;

    /// <summary>The number of entries that are not 0.</summary>
    [FieldOffset(8)] public int Blocks;

    /// <summary>The number of tables that have the page. Only a page that one table has is ever written to.</summary>
    [FieldOffset(16)] private int _owners;

    /// <summary>Makes a page without blocks, with one owner.</summary>
    public static AddressPage* New(ulong key)
    {
        var page = (AddressPage*)NativeMemory.AllocZeroed(HeadBytes + Granules * sizeof(ulong));
        page->Key = key;
        page->_owners = 1;
        return page;
    }

    public static bool IsShared(AddressPage* page) => Volatile.Read(ref page->_owners) > 1;

    public static void Share(AddressPage* page) => Interlocked.Increment(ref page->_owners);

    /// <summary>One owner less; without any it is freed.</summary>
    public static void Release(AddressPage* page)
    {
        if (Interlocked.Decrement(ref page->_owners) == 0)
            NativeMemory.Free(page);
    }

    /// <summary>A copy that has one owner.</summary>
    public static AddressPage* Copy(AddressPage* page)
    {
        var copy = (AddressPage*)NativeMemory.Alloc(HeadBytes + Granules * sizeof(ulong));
        NativeMemory.Copy(page, copy, HeadBytes + Granules * sizeof(ulong));
        copy->_owners = 1;
        return copy;
    }

    /// <summary>The entry of an address on this page.</summary>
    public static ulong* Entry(AddressPage* page, ulong address) =>
        (ulong*)((byte*)page + HeadBytes) + (address >> GranuleBits & (Granules - 1));
}
