namespace AllocTrace.Memory;

/// <summary>A live block.</summary>
/// <param name="Address">The address of the block.</param>
/// <param name="Bytes">The size of the block in bytes, as requested by the program.</param>
/// <param name="Site">The site that allocated it.</param>
internal readonly record struct BlockRange(ulong Address, ulong Bytes, uint Site)
{
    public ulong End => Address + Math.Max(1, Bytes);
}
