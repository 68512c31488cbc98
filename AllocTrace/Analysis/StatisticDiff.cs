using System.Globalization;

namespace AllocTrace.Analysis;

/// <summary>
/// The memory of one group of allocations in a snapshot, and its difference from an older one, like <c>tracemalloc.StatisticDiff</c>.
/// </summary>
/// <param name="Size">The size in the new snapshot, in bytes as requested by the program.</param>
/// <param name="SizeDiff">The growth since the old snapshot, in bytes; negative if the group shrank.</param>
/// <param name="Count">The number of blocks in the new snapshot.</param>
/// <param name="CountDiff">The growth since the old snapshot, in blocks.</param>
/// <param name="Traceback">The place, as in a <see cref="Statistic"/>.</param>
public sealed record StatisticDiff(long Size, long SizeDiff, long Count, long CountDiff, Traceback Traceback)
{
    /// <summary>The group as a <see cref="Statistic"/> of the new snapshot, or of the old one if the new one does not have it.</summary>
    public Statistic Group { get; init; } = new(Size, Count, Traceback);

    /// <summary>The differences by type of the blocks, the largest first; empty unless both snapshots have types.</summary>
    public IReadOnlyList<TypeAmount> Types { get; init; } = [];

    /// <summary>
    /// The bytes by which <see cref="SizeDiff"/> may be off in at least 95 of 100 cases; 0 unless allocations were sampled.
    /// </summary>
    public long SizeDiffError { get; init; }

    /// <summary>
    /// The blocks by which <see cref="CountDiff"/> may be off in at least 95 of 100 cases; 0 unless allocations were sampled.
    /// </summary>
    public long CountDiffError { get; init; }

    /// <summary>The size in the old snapshot, in bytes.</summary>
    public long OldSize => Size - SizeDiff;

    /// <summary>The number of blocks in the old snapshot.</summary>
    public long OldCount => Count - CountDiff;

    /// <summary>Formats the difference as tracemalloc does.</summary>
    /// <returns>The text, one line.</returns>
    public override string ToString()
    {
        var difference = CountDiff.ToString("+0;-0", CultureInfo.InvariantCulture);
        var text = $"{Traceback}: size={ByteSize.Format(Size)} ({ByteSize.Format(SizeDiff, sign: true)}), count={Count} ({difference})";
        return Count == 0 ? text : $"{text}, average={ByteSize.Format((double)Size / Count)}";
    }
}
