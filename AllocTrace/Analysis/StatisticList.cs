using System.Collections;

namespace AllocTrace.Analysis;

/// <summary>The largest groups, in descending order of (size, count, traceback), and the sum of the others. Immutable.</summary>
public sealed class StatisticList : IReadOnlyList<Statistic>
{
    private readonly IReadOnlyList<Statistic> _largest;

    internal StatisticList(IReadOnlyList<Statistic> largest, int others, long otherBytes, long otherBlocks)
    {
        _largest = largest;
        Others = others;
        OtherBytes = otherBytes;
        OtherBlocks = otherBlocks;
    }

    /// <summary>The number of groups that are listed.</summary>
    public int Count => _largest.Count;

    /// <summary>The number of groups that are not listed because of the limit.</summary>
    public int Others { get; }

    /// <summary>The size of the groups that are not listed, in bytes.</summary>
    public long OtherBytes { get; }

    /// <summary>The number of blocks of the groups that are not listed.</summary>
    public long OtherBlocks { get; }

    /// <summary>The group at an index; 0 is the largest.</summary>
    /// <param name="index">The index, from 0 to <see cref="Count"/> - 1.</param>
    public Statistic this[int index] => _largest[index];

    /// <inheritdoc/>
    public IEnumerator<Statistic> GetEnumerator() => _largest.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
