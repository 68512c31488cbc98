using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Groups by whole traceback: a group is a stack of the trie. Tracebacks are made only for the groups that are shown.</summary>
internal sealed class TracebackGrouping(StackTable stacks) : Grouping
{
    private readonly StackTable _stacks = stacks;
    private readonly int[]? _firstOfEach = DuplicateStacks.FirstOfEach(stacks);

    public override int Count => _stacks.Count;

    public override int GroupOf(in Site site) => _firstOfEach is null ? site.Stack : _firstOfEach[site.Stack];

    public override int Compare(int a, int b) => _stacks.Compare(a, b);

    public override int[] Match(Grouping other) => new StackMatch(_stacks).Of(((TracebackGrouping)other)._stacks);

    public override Statistic Describe(int group, long bytes, long blocks, int stack = 0) => new(bytes, blocks, _stacks.TracebackOf(group));
}
