using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Groups by the newest frame's line, file or function. Group 0 has no frame. Every stack of the trie has its group here, not only those
/// that allocated, because cumulative statistics need the callers' too.
/// </summary>
internal sealed class FrameGrouping : Grouping
{
    private readonly StackTable _stacks;
    private readonly GroupBy _groupBy;
    private readonly int[] _groupOfStack;
    private readonly List<int> _firstStack = [0]; // of each group

    /// <summary>Numbers the groups; <paramref name="groupBy"/> is one of <c>Lineno</c>, <c>Filename</c> and <c>Function</c>.</summary>
    public FrameGrouping(StackTable stacks, GroupBy groupBy)
    {
        _stacks = stacks;
        _groupBy = groupBy;
        _groupOfStack = new int[stacks.Count];
        var groups = new Dictionary<(int File, int Function, int Line), int>();
        for (var stack = 1; stack < stacks.Count; stack++)
        {
            var code = stacks.Codes[stacks.Code[stack]];
            var key = groupBy switch
            {
                GroupBy.Lineno => (code.Filename, 0, stacks.Line[stack]),
                GroupBy.Filename => (code.Filename, 0, 0),
                // The first line tells functions apart that share a name: lambdas, properties, and methods before CPython 3.11.
                GroupBy.Function => (code.Filename, code.Function, code.FirstLine),
                _ => throw new ArgumentOutOfRangeException(nameof(groupBy), groupBy, "Not a group of frames."),
            };
            if (!groups.TryGetValue(key, out var group))
            {
                group = _firstStack.Count;
                groups.Add(key, group);
                _firstStack.Add(stack);
            }

            _groupOfStack[stack] = group;
        }
    }

    public override int Count => _firstStack.Count;

    /// <summary>The group of each stack's newest frame.</summary>
    public ReadOnlySpan<int> GroupOfStack => _groupOfStack;

    public override int GroupOf(in Site site) => _groupOfStack[site.Stack];

    public override int Compare(int a, int b) => (a == 0 || b == 0) ? a.CompareTo(b) : FrameOf(a).CompareTo(FrameOf(b));

    public override Statistic Describe(int group, long size, long count) =>
        new(size, count, group == 0 ? Traceback.Empty : new Traceback(FrameOf(group)));

    private Frame FrameOf(int group)
    {
        var stack = _firstStack[group];
        var code = _stacks.Codes[_stacks.Code[stack]];
        var filename = _stacks.Codes.Text(code.Filename);
        return _groupBy switch
        {
            // Functions that share a line (a lambda and who passes it) are one group, as in tracemalloc; the first one gives the name.
            GroupBy.Lineno => new Frame(filename, _stacks.Line[stack], _stacks.Codes.Text(code.Function)),
            GroupBy.Filename => new Frame(filename, 0, ""),
            _ => new Frame(filename, code.FirstLine, _stacks.Codes.Text(code.Function)),
        };
    }
}
