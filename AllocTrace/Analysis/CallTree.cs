using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// A snapshot as a tree of calls: below each frame those that it called, with all that they and their callees allocated. Immutable; the nodes are
/// made as they are asked for.
/// </summary>
public sealed class CallTree
{
    private readonly int[] _firstCallee;
    private readonly int[] _nextCallee;
    private readonly GroupSums _own;
    private readonly GroupSums _all;

    internal CallTree(StackTable stacks, SiteTable[] parts)
    {
        Stacks = stacks;
        _own = new GroupSums(stacks.Count, isSampled: false);
        _all = new GroupSums(stacks.Count, isSampled: false);
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                _own.Add(site.Stack, site.Bytes, site.Blocks);
                _all.Add(site.Stack, site.Bytes, site.Blocks);
            }
        }

        // Callers have smaller numbers: going backwards, a stack is complete before it is added to its caller.
        _firstCallee = new int[stacks.Count];
        _nextCallee = new int[stacks.Count];
        for (var stack = stacks.Count - 1; stack > 0; stack--)
        {
            var caller = stacks.Caller[stack];
            _all.Add(caller, _all[stack].Size, _all[stack].Count);
            _nextCallee[stack] = _firstCallee[caller];
            _firstCallee[caller] = stack;
        }
    }

    /// <summary>Everything: it has no frame, and the outermost frames are its children.</summary>
    public CallNode Root => new(this, 0, isRoot: true);

    internal StackTable Stacks { get; }

    internal Amount Own(int stack) => new(_own[stack].Size, _own[stack].Count);

    internal Amount All(int stack) => new(_all[stack].Size, _all[stack].Count);

    /// <summary>The callees with anything, the largest first.</summary>
    internal List<int> Callees(int stack)
    {
        var callees = new List<int>();
        for (var callee = _firstCallee[stack]; callee != 0; callee = _nextCallee[callee])
        {
            if (_all[callee].Count != 0)
                callees.Add(callee);
        }

        callees.Sort((a, b) => _all[a] != _all[b] ? _all[b].CompareTo(_all[a]) : Stacks.FrameOf(a).CompareTo(Stacks.FrameOf(b)));
        return callees;
    }
}
