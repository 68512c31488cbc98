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
        var ascending = Comparer<int>.Create((a, b) => Compare(grouping, a, b));
        var found = Enumerable.Range(0, _sums.Length).Where(group => _sums[group].Count != 0);

        // A heap of the largest: most groups are compared with its smallest once and forgotten.
        var largest = new PriorityQueue<int, int>(ascending);
        long otherSize = 0, otherCount = 0;
        var others = 0;
        foreach (var group in found)
        {
            if (limit == 0 || largest.Count < limit)
            {
                largest.Enqueue(group, group);
                continue;
            }

            var other = largest.EnqueueDequeue(group, group);
            otherSize += _sums[other].Size;
            otherCount += _sums[other].Count;
            others++;
        }

        var statistics = new Statistic[largest.Count];
        for (var i = statistics.Length - 1; i >= 0; i--)
        {
            var group = largest.Dequeue();
            statistics[i] = grouping.Describe(group, _sums[group].Size, _sums[group].Count);
        }

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
