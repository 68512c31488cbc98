namespace AllocTrace.Analysis;

/// <summary>A group of allocations that kept growing.</summary>
/// <param name="Group">What it held at the end of the last period, and where.</param>
/// <param name="BytesByPeriod">What it held at the end of each period, bytes.</param>
/// <param name="Bytes">How many bytes it has grown by.</param>
/// <param name="Blocks">How many blocks it has grown by.</param>
/// <param name="Grown">In how many of the periods after the first it grew.</param>
public sealed record Growth(Statistic Group, IReadOnlyList<long> BytesByPeriod, long Bytes, long Blocks, int Grown)
{
    /// <summary>When allocations were sampled: the true growth is within this many bytes of <see cref="Bytes"/> in at least 95 of 100 cases.</summary>
    public long BytesError { get; init; }

    /// <summary>When allocations were sampled: the true growth is within this many blocks of <see cref="Blocks"/> in at least 95 of 100 cases.</summary>
    public long BlocksError { get; init; }
}
