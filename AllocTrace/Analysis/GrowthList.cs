using System.Collections;

namespace AllocTrace.Analysis;

/// <summary>The groups that kept growing, the largest growth first, without those that grew too little to matter.</summary>
public sealed class GrowthList : IReadOnlyList<Growth>
{
    private readonly Growth[] _growing;

    internal GrowthList(IEnumerable<Growth> growing, long threshold)
    {
        Growth[] all = [.. growing.OrderByDescending(growth => growth.Bytes).ThenByDescending(growth => growth.Blocks).ThenBy(growth => growth.Group.Traceback)];
        _growing = [.. all.TakeWhile(growth => growth.Bytes >= threshold)];
        Threshold = threshold;
        Smaller = all.Length - _growing.Length;
        SmallerBytes = all.Skip(_growing.Length).Sum(growth => growth.Bytes);
    }

    /// <summary>How many groups are listed.</summary>
    public int Count => _growing.Length;

    /// <summary>What a group has to have grown by to be listed, bytes.</summary>
    public long Threshold { get; }

    /// <summary>How many groups grew by less.</summary>
    public int Smaller { get; }

    /// <summary>By how many bytes those grew, together.</summary>
    public long SmallerBytes { get; }

    /// <summary>The group at <paramref name="index"/>; 0 grew most.</summary>
    public Growth this[int index] => _growing[index];

    /// <inheritdoc/>
    public IEnumerator<Growth> GetEnumerator() => ((IEnumerable<Growth>)_growing).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
