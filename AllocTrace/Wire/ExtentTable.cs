namespace AllocTrace.Wire;

/// <summary>The mapped extents of one kind, which together are one array. Grows only; used by one thread.</summary>
internal sealed unsafe class ExtentTable
{
    private readonly int _elementsPerExtent;
    private readonly int _elementBytes;
    private byte*[] _extents = new byte*[4];
    private int _count;

    /// <summary>Makes an empty table for elements of a size in bytes that divides the size of an extent.</summary>
    public ExtentTable(int elementBytes)
    {
        _elementBytes = elementBytes;
        _elementsPerExtent = WireFormat.ExtentBytes / elementBytes;
    }

    /// <summary>The number of elements that the extents have room for.</summary>
    public long Capacity => (long)_count * _elementsPerExtent;

    /// <summary>The address of an element; the caller has checked that <paramref name="index"/> is below <see cref="Capacity"/>.</summary>
    public byte* this[uint index] => _extents[index / (uint)_elementsPerExtent] + (ulong)(index % (uint)_elementsPerExtent) * (uint)_elementBytes;

    public void Add(byte* extent)
    {
        if (_count == _extents.Length)
        {
            var grown = new byte*[2 * _count];
            Array.Copy(_extents, grown, _count);
            _extents = grown;
        }

        _extents[_count++] = extent;
    }
}
