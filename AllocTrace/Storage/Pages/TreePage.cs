using System.Buffers.Binary;

namespace AllocTrace.Storage.Pages;

/// <summary>
/// One page of a b-tree of SQLite that is being filled: "B-tree Pages" of its file format (sqlite.org/fileformat2.html). A header, the
/// places of the cells, a gap, and the cells from the page's end downwards.
/// </summary>
internal sealed class TreePage
{
    /// <summary>The size of a page, bytes: what SQLite takes unless told otherwise.</summary>
    public const int Size = 4096;

    private const int LeafHeader = 8, InteriorHeader = 12, PlaceBytes = 2;

    private readonly byte[] _bytes = new byte[Size];
    private readonly int _header;
    private readonly byte _type;
    private int _lastLength;
    private int _begin;

    private TreePage(byte type, int header)
    {
        _type = type;
        _header = header;
        Clear();
    }

    public int Count { get; private set; }

    /// <summary>The cell that was added last, until the next call.</summary>
    public ReadOnlySpan<byte> Last => _bytes.AsSpan(_begin, _lastLength);

    /// <summary>A page with rows of a table (with row numbers), or of an index or a table WITHOUT ROWID.</summary>
    public static TreePage Leaf(bool isIndex) => new((byte)(isIndex ? 0x0A : 0x0D), LeafHeader);

    /// <summary>A page that leads to others.</summary>
    public static TreePage Interior(bool isIndex) => new((byte)(isIndex ? 0x02 : 0x05), InteriorHeader);

    /// <summary>Adds a cell behind the others.</summary>
    /// <returns>Whether there was room.</returns>
    public bool TryAdd(ReadOnlySpan<byte> cell)
    {
        var place = _header + PlaceBytes * Count;
        if (_begin - cell.Length < place + PlaceBytes)
            return false;

        _begin -= cell.Length;
        cell.CopyTo(_bytes.AsSpan(_begin));
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(place), (ushort)_begin);
        _lastLength = cell.Length;
        Count++;
        return true;
    }

    /// <summary>Takes the last cell away. Once after each <see cref="TryAdd"/>.</summary>
    public void RemoveLast()
    {
        _bytes.AsSpan(_begin, _lastLength).Clear();
        _begin += _lastLength;
        Count--;
        _bytes.AsSpan(_header + PlaceBytes * Count, PlaceBytes).Clear();
    }

    /// <summary>Completes the header and returns the page's bytes, until the page is changed.</summary>
    /// <param name="rightmost">Of an interior page: the page behind the last cell.</param>
    public ReadOnlySpan<byte> Complete(uint rightmost = 0)
    {
        _bytes[0] = _type;
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(3), (ushort)Count);
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(5), (ushort)_begin);
        if (_header == InteriorHeader)
            BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(8), rightmost);

        return _bytes;
    }

    public void Clear()
    {
        Array.Clear(_bytes);
        Count = 0;
        _lastLength = 0;
        _begin = Size;
    }
}
