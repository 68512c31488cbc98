namespace AllocTrace.Objects;

/// <summary>The kind of each block: an object and its offset in the block, or a buffer and the words of it that are references.</summary>
internal sealed class BlockTypes(int count)
{
    private const byte HeaderMask = 3, DeadBit = 4, QuietBit = 8;

    private readonly int[] _types = NewTypes(count);
    private readonly byte[] _states = new byte[count];
    private readonly int[] _numbers = new int[count];

    public BufferForm[] Forms { get; } = new BufferForm[count];

    /// <summary>
    /// For <see cref="BufferForm.Items"/> the number of items, for <see cref="BufferForm.Values"/> where they begin, for <see cref="BufferForm.DequeEnd"/> the
    /// range that is used (<see cref="DequeRange"/>).
    /// </summary>
    public int[] Used => _numbers;

    /// <summary>The objects' reference counts; <see cref="int.MaxValue"/> for immortal objects. The same memory as <see cref="Used"/>: an object is no buffer.</summary>
    public int[] Counts => _numbers;

    public int Count => _types.Length;

    /// <summary>The number of a block's type; -1 when it holds no object.</summary>
    public int this[int block] => _types[block];

    public bool IsObject(int block) => _types[block] >= 0;

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
        _types[block] = type;
        _states[block] = (byte)(header / 16 | (isDead ? DeadBit : 0));
    }

    public void SetQuiet(int block) => _states[block] |= QuietBit;

    private static int[] NewTypes(int count)
    {
        var types = new int[count];
        Array.Fill(types, -1);
        return types;
    }
}
