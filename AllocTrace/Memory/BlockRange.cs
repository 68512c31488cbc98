namespace AllocTrace.Memory;

/// <summary>A live block.</summary>
/// <param name="Address">Where it begins.</param>
/// <param name="Bytes">As the program requested it.</param>
/// <param name="Site">The site that allocated it.</param>
internal readonly record struct BlockRange(ulong Address, ulong Bytes, uint Site)
{
    public ulong End => Address + Math.Max(1, Bytes);
}
