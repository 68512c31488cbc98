using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Compares the sums of two snapshots, of one recording or of two, group by group.</summary>
internal sealed class SnapshotDiff
{
    private readonly Grouping _newGrouping;
    private readonly Grouping _oldGrouping;
    private readonly List<int> _vanished = []; // groups of the old grouping that the new one does not have: numbered after the new ones
    private readonly (long Bytes, long Blocks)[] _new;
    private readonly (long Bytes, long Blocks)[] _old;
    private readonly Variance[]? _variances; // of both together
    private readonly int[]? _matches;

    /// <param name="newGrouping">The groups of the new snapshot.</param>
    /// <param name="newSums">Its sums.</param>
    /// <param name="oldGrouping">The groups of the old snapshot: the same object where both are of one recording.</param>
    /// <param name="oldSums">Its sums.</param>
    public SnapshotDiff(Grouping newGrouping, GroupSums newSums, Grouping oldGrouping, GroupSums oldSums)
    {
        _newGrouping = newGrouping;
        _oldGrouping = oldGrouping;
        var matches = _matches = ReferenceEquals(newGrouping, oldGrouping) ? null : newGrouping.Match(oldGrouping);
        if (matches is not null)
            _vanished.AddRange(Enumerable.Range(0, oldGrouping.Count).Where(group => matches[group] < 0 && oldSums[group].Blocks != 0));

        _new = new (long, long)[newGrouping.Count + _vanished.Count];
        _old = new (long, long)[_new.Length];
        _variances = newSums.IsSampled || oldSums.IsSampled ? new Variance[_new.Length] : null;
        for (var group = 0; group < newGrouping.Count; group++)
        {
            _new[group] = newSums[group];
            Add(group, newSums.VarianceOf(group));
        }

        for (var group = 0; group < oldGrouping.Count; group++)
        {
            var match = matches is null ? group : matches[group];
            if (match >= 0)
            {
                _old[match].Bytes += oldSums[group].Bytes;
                _old[match].Blocks += oldSums[group].Blocks;
                Add(match, oldSums.VarianceOf(group));
            }
        }

        for (var i = 0; i < _vanished.Count; i++)
        {
            _old[newGrouping.Count + i] = oldSums[_vanished[i]];
            Add(newGrouping.Count + i, oldSums.VarianceOf(_vanished[i]));
        }
    }

    /// <summary>Describes the <paramref name="limit"/> groups that differ most (0: all).</summary>
    /// <param name="limit">The largest number of groups to list, 0 for all.</param>
    /// <param name="detailsOf">Finds what the largest part of each of some groups of the new snapshot is.</param>
    /// <param name="oldDetailsOf">Returns the details of groups of the old snapshot.</param>
    public StatisticDiffList Rank(int limit, Func<int[], GroupDetail[]> detailsOf, Func<int[], GroupDetail[]> oldDetailsOf)
    {
        var others = 0;
        var otherBytesDiff = 0L;
        var largest = Ranking.Largest(
            Enumerable.Range(0, _new.Length).Where(group => _new[group].Blocks != 0 || _old[group].Blocks != 0),
            Compare,
            limit,
            other =>
            {
                others++;
                otherBytesDiff += SizeDiff(other);
            });
        int[] isNew = [.. largest.Where(group => !IsVanished(group))], isOld = [.. largest.Where(IsVanished)];
        var newDetails = isNew.Zip(detailsOf(isNew)).ToDictionary();
        var vanishedDetails = isOld.Zip(oldDetailsOf([.. isOld.Select(OldGroup)])).ToDictionary();
        var differences = Array.ConvertAll(largest, group => Describe(group, (newDetails.TryGetValue(group, out var detail) ? detail : vanishedDetails[group]).Stack));
        if (newDetails.Values.Concat(vanishedDetails.Values).Any(detail => detail.Types is not null))
            AddTypes(largest, differences, newDetails, oldDetailsOf);

        return new StatisticDiffList(differences, others, otherBytesDiff);
    }

    /// <summary>Adds by how many blocks of which types groups differ.</summary>
    private void AddTypes(int[] groups, StatisticDiff[] differences, Dictionary<int, GroupDetail> newDetails, Func<int[], GroupDetail[]> oldDetailsOf)
    {
        var place = groups.Select((group, i) => (group, i)).ToDictionary(pair => pair.group, pair => pair.i);
        var types = Array.ConvertAll(groups, group => new Dictionary<BlockType, MemoryAmount>());
        foreach (var (group, detail) in newDetails)
            Add(place[group], detail, 1);

        int[] olds = [.. Enumerable.Range(0, _oldGrouping.Count).Where(old => place.ContainsKey(NewGroup(old)))];
        foreach (var (old, detail) in olds.Zip(oldDetailsOf(olds)))
            Add(place[NewGroup(old)], detail, -1);

        for (var i = 0; i < differences.Length; i++)
        {
            var changed = types[i].Where(type => type.Value != default).Select(type => new TypeAmount(type.Key, type.Value.Bytes, type.Value.Blocks));
            differences[i] = differences[i] with { Types = [.. changed.OrderByDescending(type => Math.Abs(type.Size)).ThenBy(type => type.Type.ToString(), StringComparer.Ordinal)] };
        }

        void Add(int index, GroupDetail detail, int sign)
        {
            foreach (var type in detail.Types ?? [])
                types[index][type.Type] = types[index].GetValueOrDefault(type.Type) + new MemoryAmount(sign * type.Size, sign * type.Count);
        }
    }

    /// <summary>The group that a group of the old snapshot is compared with.</summary>
    private int NewGroup(int old) => _matches is null ? old : _matches[old] >= 0 ? _matches[old] : _newGrouping.Count + _vanished.IndexOf(old);

    private void Add(int group, Variance variance)
    {
        if (_variances is not null)
            _variances[group] += variance;
    }

    private long SizeDiff(int group) => _new[group].Bytes - _old[group].Bytes;

    private long CountDiff(int group) => _new[group].Blocks - _old[group].Blocks;

    private int Compare(int a, int b)
    {
        var order = Math.Abs(SizeDiff(a)).CompareTo(Math.Abs(SizeDiff(b)));
        if (order == 0)
            order = _new[a].Bytes.CompareTo(_new[b].Bytes);
        if (order == 0)
            order = Math.Abs(CountDiff(a)).CompareTo(Math.Abs(CountDiff(b)));
        if (order == 0)
            order = _new[a].Blocks.CompareTo(_new[b].Blocks);
        if (order == 0 && a != b)
            order = CompareGroups(a, b);

        return order;
    }

    private int CompareGroups(int a, int b) => (IsVanished(a), IsVanished(b)) switch
    {
        (false, false) => _newGrouping.Compare(a, b),
        (true, true) => _oldGrouping.Compare(OldGroup(a), OldGroup(b)),
        _ => Statistic(a).Traceback.CompareTo(Statistic(b).Traceback),
    };

    private bool IsVanished(int group) => group >= _newGrouping.Count;

    private int OldGroup(int group) => _vanished[group - _newGrouping.Count];

    private Statistic Statistic(int group, int stack = 0) => IsVanished(group)
        ? _oldGrouping.Describe(OldGroup(group), 0, 0, stack)
        : _newGrouping.Describe(group, _new[group].Bytes, _new[group].Blocks, stack);

    private StatisticDiff Describe(int group, int stack)
    {
        var statistic = Statistic(group, stack);
        return new StatisticDiff(_new[group].Bytes, SizeDiff(group), _new[group].Blocks, CountDiff(group), statistic.Traceback)
        {
            Group = statistic,
            SizeDiffError = _variances?[group].BytesError ?? 0,
            CountDiffError = _variances?[group].BlocksError ?? 0,
        };
    }
}
