namespace AllocTrace.Replay;

/// <summary>A part of a mapping, or all of it.</summary>
/// <param name="Begin">Its first address.</param>
/// <param name="End">The address after its last.</param>
/// <param name="Mapping">The mapping of which it is a part.</param>
internal readonly record struct MappedPiece(ulong Begin, ulong End, Mapping Mapping)
{
    public long Bytes => (long)(End - Begin);
}

/// <summary>One call of mmap: a block, which ends with the last of its pieces.</summary>
/// <param name="site">The site that made it.</param>
internal sealed class Mapping(uint site)
{
    public uint Site { get; } = site;

    /// <summary>The number of pieces that are left of it.</summary>
    public int Pieces { get; set; }
}
