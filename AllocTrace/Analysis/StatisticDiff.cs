using System.Globalization;

namespace AllocTrace.Analysis;

/// <summary>The memory of one group of allocations in a snapshot, and by how much it differs from that in another.</summary>
/// <param name="Size">Bytes in the new snapshot, as requested by the program.</param>
/// <param name="SizeDiff">How many more than in the old one; negative when it has become less.</param>
/// <param name="Count">Blocks in the new snapshot.</param>
/// <param name="CountDiff">How many more than in the old one.</param>
/// <param name="Traceback">Where, as in a <see cref="Statistic"/>.</param>
public sealed record StatisticDiff(long Size, long SizeDiff, long Count, long CountDiff, Traceback Traceback)
{
    /// <summary>For groups that are not stacks: the group as a <see cref="Statistic"/> of the new snapshot, or of the old one where it is gone.</summary>
    public Statistic Group { get; init; } = new(Size, Count, Traceback);

    /// <summary>By how many blocks of which types the group differs, the largest difference first; empty unless the snapshots have types.</summary>
    public IReadOnlyList<TypeAmount> Types { get; init; } = [];

    /// <summary>When allocations were sampled: the true <see cref="SizeDiff"/> is within this many bytes of it in at least 95 of 100 cases.</summary>
    public long SizeDiffError { get; init; }

    /// <summary>When allocations were sampled: the true <see cref="CountDiff"/> is within this many blocks of it in at least 95 of 100 cases.</summary>
    public long CountDiffError { get; init; }

    /// <summary>Bytes in the old snapshot.</summary>
    public long OldSize => Size - SizeDiff;

    /// <summary>Blocks in the old snapshot.</summary>
    public long OldCount => Count - CountDiff;

    /// <summary>The difference as tracemalloc prints it.</summary>
    public override string ToString()
    {
        var difference = CountDiff.ToString("+0;-0", CultureInfo.InvariantCulture);
        var text = $"{Traceback}: size={ByteSize.Format(Size)} ({ByteSize.Format(SizeDiff, sign: true)}), count={Count} ({difference})";
        return Count == 0 ? text : $"{text}, average={ByteSize.Format((double)Size / Count)}";
    }
}
