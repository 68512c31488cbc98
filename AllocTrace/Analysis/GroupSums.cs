namespace AllocTrace.Analysis;

/// <summary>Bytes and blocks by group number.</summary>
internal sealed class GroupSums(int groups)
{
    private readonly (long Size, long Count)[] _sums = new (long, long)[groups];

    public (long Size, long Count) this[int group] => _sums[group];

    public void Add(int group, long size, long count)
    {
        _sums[group].Size += size;
        _sums[group].Count += count;
    }

    /// <summary>Describes the <paramref name="limit"/> largest groups (0: all) and sums up the others.</summary>
    public StatisticList Rank(Grouping grouping, int limit)
    {
        long otherSize = 0, otherCount = 0;
        var others = 0;
        var largest = Ranking.Largest(
            Enumerable.Range(0, _sums.Length).Where(group => _sums[group].Count != 0),
            (a, b) => Compare(grouping, a, b),
            limit,
            other =>
            {
                otherSize += _sums[other].Size;
                otherCount += _sums[other].Count;
                others++;
            });
        var statistics = Array.ConvertAll(largest, group => grouping.Describe(group, _sums[group].Size, _sums[group].Count));
        return new StatisticList(statistics, others, otherSize, otherCount);
    }

    private int Compare(Grouping grouping, int a, int b)
    {
        var order = _sums[a].Size.CompareTo(_sums[b].Size);
        if (order == 0)
            order = _sums[a].Count.CompareTo(_sums[b].Count);
        if (order == 0 && a != b)
            order = grouping.Compare(a, b);

        return order;
    }
}
