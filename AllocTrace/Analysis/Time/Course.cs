namespace AllocTrace.Analysis;

/// <summary>The bytes that a place held at the end of each time slice, and those that it allocated in it. One object serves many places in turn.</summary>
/// <param name="slices">The number of slices.</param>
internal sealed class Course(int slices)
{
    private readonly long[] _live = new long[slices];
    private readonly long[] _blocks = new long[slices];
    private readonly long[] _allocated = new long[slices];

    /// <summary>The bytes held before the first slice.</summary>
    public MemoryAmount Initial { get; private set; }

    /// <summary>The live bytes at the end of each slice.</summary>
    public ReadOnlySpan<long> Live => _live;

    /// <summary>The live blocks at the end of each slice.</summary>
    public ReadOnlySpan<long> Blocks => _blocks;

    /// <summary>Bytes allocated in each slice.</summary>
    public ReadOnlySpan<long> Allocated => _allocated;

    /// <summary>Begins with nothing.</summary>
    public void Clear()
    {
        Initial = default;
        Array.Clear(_live);
        Array.Clear(_blocks);
        Array.Clear(_allocated);
    }

    /// <summary>Adds the course of a stack, in slices; <see cref="Complete"/> has to follow.</summary>
    public void Add(MemoryAmount initial, ReadOnlySpan<CourseChange> changes)
    {
        Initial += initial;
        foreach (ref readonly var change in changes)
        {
            _live[change.Slice] += change.Bytes;
            _blocks[change.Slice] += change.Blocks;
            _allocated[change.Slice] += change.Allocated;
        }
    }

    /// <summary>Makes amounts of what were differences.</summary>
    public void Complete()
    {
        var alive = Initial;
        for (var slice = 0; slice < _live.Length; slice++)
        {
            alive += new MemoryAmount(_live[slice], _blocks[slice]);
            (_live[slice], _blocks[slice]) = (alive.Bytes, alive.Blocks);
        }
    }
}

/// <summary>Adds the changes of a stack in a slice.</summary>
/// <param name="Stack">An index in the table of stacks.</param>
/// <param name="Slice">An index in the slices of the process.</param>
/// <param name="Bytes">The growth in bytes.</param>
/// <param name="Blocks">The growth in blocks.</param>
/// <param name="Allocated">Bytes that it allocated.</param>
internal readonly record struct CourseChange(int Stack, int Slice, long Bytes, long Blocks, long Allocated);
