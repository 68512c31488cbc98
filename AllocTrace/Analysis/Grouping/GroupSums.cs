namespace AllocTrace.Analysis;

/// <summary>Bytes and blocks by group number.</summary>
/// <param name="groups">The number of groups.</param>
/// <param name="isSampled">True if some of the added amounts are estimates.</param>
internal sealed class GroupSums(int groups, bool isSampled)
{
    private readonly (long Bytes, long Blocks)[] _sums = new (long, long)[groups];
    private readonly Variance[]? _variances = isSampled ? new Variance[groups] : null;

    public (long Bytes, long Blocks) this[int group] => _sums[group];

    /// <summary>True if there are variances.</summary>
    public bool IsSampled => _variances is not null;

    public Variance VarianceOf(int group) => _variances is null ? default : _variances[group];

    public void Add(int group, long bytes, long blocks)
    {
        _sums[group].Bytes += bytes;
        _sums[group].Blocks += blocks;
    }

    /// <summary>Adds how far what was added may be off.</summary>
    public void Add(int group, Variance variance)
    {
        if (_variances is not null)
            _variances[group] += variance;
    }

    /// <summary>Adds a group of another sum.</summary>
    public void Add(int group, GroupSums other, int otherGroup)
    {
        Add(group, other[otherGroup].Bytes, other[otherGroup].Blocks);
        Add(group, other.VarianceOf(otherGroup));
    }

    /// <summary>Describes the <paramref name="limit"/> largest groups (0: all) and sums up the others.</summary>
    /// <param name="grouping">The grouping.</param>
    /// <param name="limit">The largest number of groups to list, 0 for all.</param>
    /// <param name="detailsOf">Finds what the largest part of each of some groups is.</param>
    public StatisticList Rank(Grouping grouping, int limit, Func<int[], GroupDetail[]> detailsOf)
    {
        long otherBytes = 0, otherBlocks = 0;
        var others = 0;
        var largest = Ranking.Largest(
            Enumerable.Range(0, _sums.Length).Where(group => _sums[group].Blocks != 0),
            (a, b) => Compare(grouping, a, b),
            limit,
            other =>
            {
                otherBytes += _sums[other].Bytes;
                otherBlocks += _sums[other].Blocks;
                others++;
            });
        return new StatisticList(Describe(grouping, largest, detailsOf(largest)), others, otherBytes, otherBlocks);
    }

    /// <summary>Describes some groups.</summary>
    /// <param name="grouping">The grouping.</param>
    /// <param name="groups">The indexes of the groups.</param>
    /// <param name="details">The largest part of each group.</param>
    public Statistic[] Describe(Grouping grouping, int[] groups, GroupDetail[] details)
    {
        var statistics = new Statistic[groups.Length];
        for (var i = 0; i < groups.Length; i++)
        {
            var (group, detail) = (groups[i], details[i]);
            var statistic = grouping.Describe(group, _sums[group].Bytes, _sums[group].Blocks, detail.Stack) with
            {
                SizeError = VarianceOf(group).BytesError,
                CountError = VarianceOf(group).BlocksError,
                Types = detail.Types ?? [],
                Retained = detail.Retained,
            };
            statistics[i] = detail.Expression != 0 && statistic.Traceback.Newest is { } frame
                ? statistic with { Expression = Expression.Unpack(detail.Expression, frame.LineNumber) }
                : statistic;
        }

        return statistics;
    }

    private int Compare(Grouping grouping, int a, int b)
    {
        var order = _sums[a].Bytes.CompareTo(_sums[b].Bytes);
        if (order == 0)
            order = _sums[a].Blocks.CompareTo(_sums[b].Blocks);
        if (order == 0 && a != b)
            order = grouping.Compare(a, b);

        return order;
    }
}
