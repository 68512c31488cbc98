namespace AllocTrace;

/// <summary>Memory: how much, in how many pieces.</summary>
/// <param name="Bytes">Bytes as requested by the program.</param>
/// <param name="Blocks">Blocks.</param>
public readonly record struct MemoryAmount(long Bytes, long Blocks)
{
    /// <summary>Adds sizes and counts.</summary>
    public static MemoryAmount operator +(MemoryAmount a, MemoryAmount b) => new(a.Bytes + b.Bytes, a.Blocks + b.Blocks);
}
