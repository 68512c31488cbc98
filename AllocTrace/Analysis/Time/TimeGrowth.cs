using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds what kept growing in a process: stack by stack, then among the rest line by line.</summary>
internal sealed class TimeGrowth
{
    private const int MostPeriods = 10;

    private readonly TraceDatabase _database;
    private readonly TraceProcess _process;
    private readonly ProcessCourse _course;
    private readonly int[] _ends; // of the periods
    private readonly Dictionary<int, StackGrowth> _growing = [];

    public TimeGrowth(TraceDatabase database, TraceProcess process, ProcessCourse course)
    {
        _database = database;
        _process = process;
        _course = course;
        var slices = course.Slices.Count;
        var periods = Math.Min(MostPeriods, slices);
        _ends = [.. Enumerable.Range(1, periods).Select(period => (int)((((long)period * slices) + periods - 1) / periods) - 1)];
        if (slices > 0)
            Find();
    }

    /// <summary>The groups that kept growing.</summary>
    /// <param name="groupBy">The key of the groups.</param>
    /// <param name="own">True to attribute all growth to the user's own code.</param>
    public GrowthSeries Series(GroupBy groupBy, bool own)
    {
        var grouping = Snapshot.GroupingFor(_database, groupBy);
        var innermost = own ? OwnFrames.InnermostOf(_database.Stacks) : null;
        var growths = new Dictionary<int, StackGrowth>(); // by group
        foreach (var (stack, growth) in _growing)
        {
            var group = grouping.GroupOf(new Site(0, 0, 0, innermost?[stack] ?? stack, 0, 0));
            growths[group] = growths.TryGetValue(group, out var sum) ? sum.And(growth) : growth;
        }

        var alive = new SiteTable();
        foreach (ref readonly var site in _course.Alive.Sites)
        {
            if (_growing.ContainsKey(site.Stack) && site is { Blocks: > 0, Bytes: >= 0 })
                alive.Add(site);
        }

        var snapshot = new Snapshot(_database, [alive]);
        snapshot = own ? snapshot.AttributeToOwnCode() : snapshot;
        int[] groups = [.. growths.Keys.Where(group => growths[group].Bytes > 0)];
        var details = snapshot.Details(grouping, groups);
        var statistics = snapshot.Sum(grouping, Cumulation.None).Describe(grouping, groups, details);
        var total = 0L;
        foreach (ref readonly var site in _course.Alive.Sites)
            total += Math.Max(0, site.Bytes);

        return new GrowthSeries(Periods(), groups.Select((group, i) => Describe(growths[group], AtLine(statistics[i], groupBy, details[i]))), total, _course.FreedAtEnd);
    }

    /// <summary>The line of a function that allocates, not the one where it begins.</summary>
    private Statistic AtLine(Statistic statistic, GroupBy groupBy, GroupDetail detail) => groupBy == GroupBy.Function && detail.Stack != 0 && statistic.Traceback.Newest is { } frame
        ? statistic with { Traceback = new Traceback(frame with { LineNumber = _database.Stacks.Line[detail.Stack] }) }
        : statistic;

    private static Growth Describe(StackGrowth growth, Statistic statistic) =>
        new(statistic, growth.BytesByPeriod, growth.Bytes, growth.Blocks, GrowthSeries.TimesGrown(growth.BytesByPeriod)) { BytesError = growth.Variance.BytesError, BlocksError = growth.Variance.BlocksError };

    private string[] Periods() =>
        [.. _ends.Select(slice => $"{(slice == _course.Slices.Count - 1 ? _course.EndNs : _database.Slices[_course.Slices[slice]].EndNs) / 1e9:F2} s")];

    private void Find()
    {
        var rule = new GrowthRule(_course.IsBusy, _course.IsBuilding);
        var course = new Course(_course.Slices.Count);
        var isImport = ImportFrames.Below(_database.Stacks);
        var variances = Variances();
        var lines = FrameGrouping.ByLine(_database.Stacks);
        var rest = new Dictionary<int, List<(int Stack, Range Changes)>>(); // by line
        foreach (var (stack, changes) in _course.Stacks())
        {
            Fill(course, [(stack, changes)]);
            if (course.Live[^1] <= course.Initial.Bytes)
                continue;

            if (rule.Find(course, isImport[stack]) is { } since)
                _growing.Add(stack, Growth(course, since, variances.GetValueOrDefault(stack)));
            else if (!isImport[stack] && stack != 0)
                (System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(rest, lines.GroupOfStack[stack], out _) ??= []).Add((stack, changes));
        }

        // A line may grow by many ways to it, each of which is gone once or twice: a recursion of varying depth.
        foreach (var line in rest.Values.Where(line => line.Count > 1))
        {
            Fill(course, line);
            if (rule.Find(course, isOnce: true) is not { } since)
                continue;

            foreach (var part in line)
            {
                Fill(course, [part]);
                _growing.Add(part.Stack, Growth(course, since, variances.GetValueOrDefault(part.Stack)));
            }
        }
    }

    private void Fill(Course course, IEnumerable<(int Stack, Range Changes)> stacks)
    {
        course.Clear();
        foreach (var (stack, changes) in stacks)
            course.Add(_course.Initial(stack), _course.Changes(changes));

        course.Complete();
    }

    private StackGrowth Growth(Course course, int since, Variance variance)
    {
        // Memory that comes and goes does not count: only the later minimum was there all the time.
        long bytes = since < 0 ? course.Initial.Bytes : course.Live[since], blocks = since < 0 ? course.Initial.Blocks : course.Blocks[since];
        for (var slice = since + 1; slice < course.Live.Length; slice++)
            (bytes, blocks) = (Math.Min(bytes, course.Live[slice]), Math.Min(blocks, course.Blocks[slice]));

        var sizes = new long[_ends.Length];
        for (var period = 0; period < sizes.Length; period++)
            sizes[period] = course.Live[_ends[period]];

        return new StackGrowth(sizes, course.Live[^1] - bytes, course.Blocks[^1] - blocks, variance);
    }

    /// <summary>By stack, how far off the growth may be when allocations were sampled.</summary>
    private Dictionary<int, Variance> Variances()
    {
        var variances = new Dictionary<int, Variance>();
        if (_process.SampleBytes == 0)
            return variances;

        foreach (ref readonly var site in _course.Alive.Sites)
            variances[site.Stack] = variances.GetValueOrDefault(site.Stack) + Variance.Of(site, _process);

        return variances;
    }

    private sealed record StackGrowth(long[] BytesByPeriod, long Bytes, long Blocks, Variance Variance)
    {
        public StackGrowth And(StackGrowth other) =>
            new([.. BytesByPeriod.Zip(other.BytesByPeriod, (a, b) => a + b)], Bytes + other.Bytes, Blocks + other.Blocks, Variance + other.Variance);
    }
}
