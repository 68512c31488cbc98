using System.Runtime.CompilerServices;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Groups by the newest frame's line, file or function. Group 0 has no frame. Every stack of the trie has its group here, not only those
/// that allocated, because cumulative statistics need the callers' too.
/// </summary>
internal sealed class FrameGrouping : Grouping
{
    private static readonly ConditionalWeakTable<StackTable, FrameGrouping> _byLine = [];

    private readonly StackTable _stacks;
    private readonly GroupBy _groupBy;
    private readonly int[] _groupOfStack;
    private readonly List<int> _firstStack = [0]; // of each group

    /// <summary>Numbers the groups; <paramref name="groupBy"/> is one of <c>Lineno</c>, <c>Filename</c> and <c>Function</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // the loop over all stacks should not begin in unoptimized code
    public FrameGrouping(StackTable stacks, GroupBy groupBy)
    {
        _stacks = stacks;
        _groupBy = groupBy;
        _groupOfStack = new int[stacks.Count];

        // Stacks outnumber code objects by far: what depends on the code alone is looked up once for each.
        var keyOfCode = KeysOfCodes(stacks.Codes, groupBy);
        var code = stacks.Code;
        var line = stacks.Line;
        var attributed = stacks.Attributed();
        var groups = new KeyOrdinals();
        for (var stack = 1; stack < _groupOfStack.Length; stack++)
        {
            var place = attributed is null ? stack : attributed[stack];
            var group = groups.Of(((long)keyOfCode[code[place]] << 32) + (groupBy == GroupBy.Lineno ? line[place] : 0));
            if (group == _firstStack.Count)
                _firstStack.Add(place);

            _groupOfStack[stack] = group;
        }
    }

    /// <summary>The groups of lines, made once for all that is asked about a recording: a summary needs them twice for each process.</summary>
    public static FrameGrouping ByLine(StackTable stacks) => _byLine.GetValue(stacks, key => new FrameGrouping(key, GroupBy.Lineno));

    public override int Count => _firstStack.Count;

    /// <summary>True if the groups are lines.</summary>
    public bool IsByLine => _groupBy == GroupBy.Lineno;

    /// <summary>The group of each stack's newest frame.</summary>
    public ReadOnlySpan<int> GroupOfStack => _groupOfStack;

    public override int GroupOf(in Site site) => _groupOfStack[site.Stack];

    public override int Compare(int a, int b) => (a == 0 || b == 0) ? a.CompareTo(b) : FrameOf(a).CompareTo(FrameOf(b));

    public override int[] Match(Grouping other)
    {
        var theirs = (FrameGrouping)other;
        var matches = new int[theirs.Count]; // group 0 has no frame on either side
        var groups = new Dictionary<Frame, int>();
        for (var group = 1; group < Count; group++)
            groups.TryAdd(KeyOf(group), group);

        for (var group = 1; group < matches.Length; group++)
            matches[group] = groups.GetValueOrDefault(theirs.KeyOf(group), -1);

        if (_groupBy == GroupBy.Function)
            MatchByName(theirs, matches);

        return matches;
    }

    public override Statistic Describe(int group, long bytes, long blocks, int stack = 0) =>
        new(bytes, blocks, group == 0 ? Traceback.Empty : new Traceback(FrameOf(group, stack)));

    private static int[] KeysOfCodes(CodeTable codes, GroupBy groupBy)
    {
        var keys = new int[codes.Count];
        var functions = new Dictionary<CodeTable.Code, int>();
        for (var i = 0; i < keys.Length; i++)
        {
            // C functions have no lines: by lines, each is one.
            // The first line tells functions apart that share a name: lambdas, properties, and methods before CPython 3.11.
            keys[i] = groupBy switch
            {
                GroupBy.Lineno when codes[i].IsNative => Function(i),
                GroupBy.Lineno or GroupBy.Filename => codes[i].Filename,
                GroupBy.Function => Function(i),
                _ => throw new ArgumentOutOfRangeException(nameof(groupBy), groupBy, "Not a group of frames."),
            };
        }

        return keys;

        int Function(int code) => (groupBy == GroupBy.Lineno ? codes.TextCount : 0) + (functions.TryGetValue(codes[code], out var function) ? function : functions[codes[code]] = functions.Count);
    }

    private Frame KeyOf(int group) => FrameOf(group) is { IsNative: false } frame && _groupBy == GroupBy.Lineno ? frame with { Function = "" } : FrameOf(group);

    /// <summary>Functions move in their files from version to version: where a name is the only one of its kind, that does not matter.</summary>
    private void MatchByName(FrameGrouping theirs, int[] matches)
    {
        var ours = UniqueNames(this);
        var taken = matches.ToHashSet();
        foreach (var (name, group) in UniqueNames(theirs))
        {
            if (matches[group] < 0 && ours.TryGetValue(name, out var match) && taken.Add(match))
                matches[group] = match;
        }

        static Dictionary<(string, string), int> UniqueNames(FrameGrouping grouping) => Enumerable.Range(1, grouping.Count - 1)
            .Select(group => (Group: group, Frame: grouping.FrameOf(group)))
            .GroupBy(pair => (pair.Frame.Filename, pair.Frame.Function), pair => pair.Group)
            .Where(groups => groups.Count() == 1)
            .ToDictionary(groups => groups.Key, groups => groups.Single());
    }

    private Frame FrameOf(int group, int stack = 0)
    {
        stack = stack == 0 ? _firstStack[group] : stack;
        var code = _stacks.Codes[_stacks.Code[stack]];
        var filename = _stacks.Codes.Text(code.Filename);
        return _groupBy switch
        {
            // Functions that share a line (a lambda and who passes it) are one group, as in tracemalloc; who asks knows which one has most.
            GroupBy.Lineno => new Frame(filename, _stacks.Line[stack], _stacks.Codes.Text(code.Function)) { IsNative = code.IsNative },
            GroupBy.Filename => new Frame(filename, 0, ""),
            _ => new Frame(filename, code.FirstLine, _stacks.Codes.Text(code.Function)) { IsNative = code.IsNative },
        };
    }
}
