namespace AllocTrace.Analysis;

/// <summary>A group of allocations that kept growing.</summary>
/// <param name="Group">The group at the end of the last period.</param>
/// <param name="BytesByPeriod">The live bytes of the group at the end of each period.</param>
/// <param name="Bytes">The growth in bytes.</param>
/// <param name="Blocks">The growth in blocks.</param>
/// <param name="Grown">The number of periods after the first in which it grew.</param>
public sealed record Growth(Statistic Group, IReadOnlyList<long> BytesByPeriod, long Bytes, long Blocks, int Grown)
{
    /// <summary>The bytes by which <see cref="Bytes"/> may be off in at least 95 of 100 cases; 0 unless allocations were sampled.</summary>
    public long BytesError { get; init; }

    /// <summary>
    /// The blocks by which <see cref="Blocks"/> may be off in at least 95 of 100 cases; 0 unless allocations were sampled.
    /// </summary>
    public long BlocksError { get; init; }
}
