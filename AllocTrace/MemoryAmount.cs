namespace AllocTrace;

/// <summary>An amount of memory, in bytes and in blocks.</summary>
/// <param name="Bytes">The size of the blocks together, in bytes as requested by the program.</param>
/// <param name="Blocks">The number of blocks.</param>
public readonly record struct MemoryAmount(long Bytes, long Blocks)
{
    /// <summary>Adds bytes and blocks.</summary>
    /// <param name="a">One amount.</param>
    /// <param name="b">The other amount.</param>
    /// <returns>The sum.</returns>
    public static MemoryAmount operator +(MemoryAmount a, MemoryAmount b) => new(a.Bytes + b.Bytes, a.Blocks + b.Blocks);
}
