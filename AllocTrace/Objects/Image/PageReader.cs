using System.Buffers.Binary;
using System.Text;

namespace AllocTrace.Objects;

/// <summary>
/// Reads single words and strings at any address of an image, through a cache of pages that has a fixed size. Memory that is not there reads as zeros.
/// Used by one thread.
/// </summary>
internal sealed class PageReader(IMemoryImage image) : IDisposable
{
    private const int PageBits = 12, PageBytes = 1 << PageBits, CachedPages = 1 << 12;

    private readonly ulong[] _keys = new ulong[CachedPages];
    private readonly Column<byte> _pages = new(CachedPages * PageBytes);
    private readonly bool[] _isThere = new bool[CachedPages];

    /// <summary>Returns the word at an address; 0 when it is not there.</summary>
    public ulong Word(ulong address)
    {
        if ((address & (PageBytes - 1)) <= PageBytes - sizeof(ulong))
            return Page(address) is { IsEmpty: false } page ? BinaryPrimitives.ReadUInt64LittleEndian(page[(int)(address & (PageBytes - 1))..]) : 0;

        Span<byte> word = stackalloc byte[sizeof(ulong)];
        return TryRead(address, word) ? BinaryPrimitives.ReadUInt64LittleEndian(word) : 0;
    }

    /// <summary>Returns the word at an offset from an address.</summary>
    public ulong Word(ulong address, int offset) => Word(address + (ulong)(long)offset);

    /// <summary>Returns the 32-bit number at an address; 0 when it is not there.</summary>
    public int Int32(ulong address)
    {
        Span<byte> word = stackalloc byte[sizeof(int)];
        return TryRead(address, word) ? BinaryPrimitives.ReadInt32LittleEndian(word) : 0;
    }

    /// <summary>Fills <paramref name="into"/>; for what is larger than a page, the image is asked directly.</summary>
    /// <returns><see langword="false"/> when not all of it is there.</returns>
    public bool TryRead(ulong address, Span<byte> into)
    {
        if (into.Length > PageBytes)
            return image.TryRead(address, into);

        while (into.Length > 0)
        {
            var offset = (int)(address & (PageBytes - 1));
            var count = Math.Min(into.Length, PageBytes - offset);
            if (Page(address) is not { IsEmpty: false } page)
                return false;

            page.Slice(offset, count).CopyTo(into);
            into = into[count..];
            address += (ulong)count;
        }

        return true;
    }

    /// <summary>Returns the UTF-8 string that ends with a zero byte, or <see langword="null"/> when none of at most <paramref name="most"/> bytes is at the address.</summary>
    public string? CString(ulong address, int most = 256)
    {
        Span<byte> bytes = stackalloc byte[most];
        var count = 0;
        while (count < most)
        {
            if (Page(address + (ulong)count) is not { IsEmpty: false } page)
                return null;

            var offset = (int)(address + (ulong)count & (PageBytes - 1));
            var part = page.Slice(offset, Math.Min(most - count, PageBytes - offset));
            var end = part.IndexOf((byte)0);
            (end < 0 ? part : part[..end]).CopyTo(bytes[count..]);
            if (end >= 0)
                return Encoding.UTF8.GetString(bytes[..(count + end)]);

            count += part.Length;
        }

        return null;
    }

    public void Dispose() => _pages.Dispose();

    /// <summary>Returns the page of an address; nothing when it is not there.</summary>
    private ReadOnlySpan<byte> Page(ulong address)
    {
        var key = (address >> PageBits) + 1;
        var slot = (int)(key & (CachedPages - 1));
        var page = _pages.Span.Slice(slot * PageBytes, PageBytes);
        if (_keys[slot] != key)
        {
            _isThere[slot] = image.TryRead(address & ~(ulong)(PageBytes - 1), page);
            _keys[slot] = key;
        }

        return _isThere[slot] ? page : default;
    }
}
