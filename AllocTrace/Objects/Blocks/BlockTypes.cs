namespace AllocTrace.Objects;

/// <summary>The kind of each block: an object and its offset in the block, or a buffer, its owner, and the words of it that are references.</summary>
internal sealed class BlockTypes(int count) : IDisposable
{
    private const byte HeaderMask = 3, DeadBit = 4, QuietBit = 8;

    /// <summary>The type plus 1 of an object; the complement of the owner of a buffer; 0 of any other block.</summary>
    private readonly Column<int> _types = new(count);
    private readonly Column<byte> _states = new(count);
    private readonly Column<int> _numbers = new(count);

    public Column<BufferForm> Forms { get; } = new(count);

    /// <summary>
    /// For <see cref="BufferForm.Items"/> the number of items, for <see cref="BufferForm.Values"/> where they begin, for <see cref="BufferForm.DequeEnd"/> the
    /// range that is used (<see cref="DequeRange"/>).
    /// </summary>
    public Column<int> Used => _numbers;

    /// <summary>The objects' reference counts; <see cref="int.MaxValue"/> for immortal objects. The same memory as <see cref="Used"/>: an object is no buffer.</summary>
    public Column<int> Counts => _numbers;

    public int Count => _types.Length;

    /// <summary>The number of a block's type; -1 when it holds no object.</summary>
    public int this[int block] => Math.Max(_types[block], 0) - 1;

    public bool IsObject(int block) => _types[block] > 0;

    /// <summary>Returns the object to which a buffer belongs; -1 for objects and for buffers without an owner.</summary>
    public int OwnerOf(int block) => _types[block] is < 0 and var owner ? ~owner : -1;

    /// <summary>Returns true for a block with an object without an owner, which CPython keeps on a free list to use it again.</summary>
    public bool IsDead(int block) => (_states[block] & DeadBit) != 0;

    /// <summary>
    /// Returns true for a dict that borrows its keys and values, so that it keeps nothing alive: that of interned strings.
    /// </summary>
    public bool IsQuiet(int block) => (_states[block] & QuietBit) != 0;

    /// <summary>Returns the offset of an object in its block: 0, 16 or 32.</summary>
    public int Header(int block) => (_states[block] & HeaderMask) * 16;

    public void SetObject(int block, int type, int header, bool isDead)
    {
        _types[block] = type + 1;
        _states[block] = (byte)(header / 16 | (isDead ? DeadBit : 0));
    }

    public void SetOwner(int buffer, int owner) => _types[buffer] = ~owner;

    public void SetQuiet(int block) => _states[block] |= QuietBit;

    public void Dispose()
    {
        _types.Dispose();
        _states.Dispose();
        _numbers.Dispose();
        Forms.Dispose();
    }
}
