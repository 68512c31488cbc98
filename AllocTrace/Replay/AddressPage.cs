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
    public const uint WideSize = uint.MaxValue;

    private const int HeadBytes = 64;

    /// <summary>The upper bits of the addresses.</summary>
    [FieldOffset(0)] public ulong Key;

    /// <summary>How many entries are not 0.</summary>
    [FieldOffset(8)] public int Blocks;

    /// <summary>Makes a page without blocks; <see cref="Delete"/> frees it.</summary>
    public static AddressPage* New(ulong key)
    {
        var page = (AddressPage*)NativeMemory.AllocZeroed(HeadBytes + Granules * sizeof(ulong));
        page->Key = key;
        return page;
    }

    public static void Delete(AddressPage* page) => NativeMemory.Free(page);

    /// <summary>The entry of an address on this page.</summary>
    public static ulong* Entry(AddressPage* page, ulong address) =>
        (ulong*)((byte*)page + HeadBytes) + (address >> GranuleBits & (Granules - 1));
}
