using System.Collections;

namespace AllocTrace.Analysis;

/// <summary>The groups that kept growing by at least a threshold, the largest growth first. Immutable.</summary>
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

    private GrowthList(GrowthList list, Func<Statistic, IReadOnlyList<TypeAmount>> typesOf)
    {
        _growing = [.. list._growing.Select(growth => growth with { Group = growth.Group with { Types = typesOf(growth.Group) } })];
        (Threshold, Smaller, SmallerBytes) = (list.Threshold, list.Smaller, list.SmallerBytes);
    }

    /// <summary>The number of groups that are listed.</summary>
    public int Count => _growing.Length;

    /// <summary>The growth from which a group is listed, in bytes.</summary>
    public long Threshold { get; }

    /// <summary>The number of groups that grew by less than the threshold.</summary>
    public int Smaller { get; }

    /// <summary>The growth of those together, in bytes.</summary>
    public long SmallerBytes { get; }

    /// <summary>Returns the list with the types that the blocks of each group have in a snapshot with types.</summary>
    /// <param name="snapshot">The snapshot, of the same recording.</param>
    /// <param name="groupBy">The key of the groups.</param>
    internal GrowthList WithTypes(Snapshot snapshot, GroupBy groupBy)
    {
        var types = snapshot.Statistics(groupBy).ToDictionary(statistic => Key(statistic.Traceback), statistic => statistic.Types);
        return new GrowthList(this, group => types.GetValueOrDefault(Key(group.Traceback), []));

        // Functions may share a line, and the one with most blocks names it.
        Traceback Key(Traceback traceback) => groupBy == GroupBy.Lineno && traceback.Newest is { } frame ? new Traceback(frame with { Function = "" }) : traceback;
    }

    /// <summary>The group at an index; 0 grew most.</summary>
    /// <param name="index">The index, from 0 to <see cref="Count"/> - 1.</param>
    public Growth this[int index] => _growing[index];

    /// <inheritdoc/>
    public IEnumerator<Growth> GetEnumerator() => ((IEnumerable<Growth>)_growing).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
