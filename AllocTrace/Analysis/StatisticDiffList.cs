using System.Collections;

namespace AllocTrace.Analysis;

/// <summary>
/// The groups with the largest differences, in descending order of (|size difference|, size, |count difference|, count, traceback).
/// </summary>
public sealed class StatisticDiffList : IReadOnlyList<StatisticDiff>
{
    private readonly IReadOnlyList<StatisticDiff> _largest;

    internal StatisticDiffList(IReadOnlyList<StatisticDiff> largest, int others, long otherBytesDiff)
    {
        _largest = largest;
        Others = others;
        OtherBytesDiff = otherBytesDiff;
    }

    /// <summary>The number of groups that are listed.</summary>
    public int Count => _largest.Count;

    /// <summary>The number of groups that are not listed because of the limit.</summary>
    public int Others { get; }

    /// <summary>The difference of the groups that are not listed together, in bytes.</summary>
    public long OtherBytesDiff { get; }

    /// <summary>The group at an index; 0 differs most.</summary>
    /// <param name="index">The index, from 0 to <see cref="Count"/> - 1.</param>
    public StatisticDiff this[int index] => _largest[index];

    /// <inheritdoc/>
    public IEnumerator<StatisticDiff> GetEnumerator() => _largest.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
