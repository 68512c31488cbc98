using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Groups by whole traceback: a group is a stack of the trie. Tracebacks are made only for the groups that are shown.</summary>
internal sealed class TracebackGrouping(StackTable stacks) : Grouping
{
    public override int Count => stacks.Count;

    public override int GroupOf(in Site site) => site.Stack;

    public override int Compare(int a, int b) => stacks.Compare(a, b);

    public override Statistic Describe(int group, long size, long count) => new(size, count, stacks.TracebackOf(group));
}
