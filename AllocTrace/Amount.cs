namespace AllocTrace;

/// <summary>Memory: how much, in how many pieces.</summary>
/// <param name="Size">Bytes as requested by the program.</param>
/// <param name="Count">Blocks.</param>
public readonly record struct Amount(long Size, long Count)
{
    /// <summary>Adds sizes and counts.</summary>
    public static Amount operator +(Amount a, Amount b) => new(a.Size + b.Size, a.Count + b.Count);
}
