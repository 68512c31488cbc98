using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// A snapshot as a tree of calls: below each frame its callees, with the amounts that they and their callees allocated. Immutable; nodes
/// are created when they are read.
/// </summary>
public sealed class CallTree
{
    private readonly int[] _firstCallee;
    private readonly int[] _nextCallee;
    private readonly GroupSums _own;
    private readonly GroupSums _all;

    internal CallTree(TraceDatabase database, SiteTable[] parts)
    {
        var stacks = database.Stacks;
        Stacks = stacks;
        _own = new GroupSums(stacks.Count, database.IsSampled);
        _all = new GroupSums(stacks.Count, database.IsSampled);
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                _own.Add(site.Stack, site.Bytes, site.Blocks);
                _all.Add(site.Stack, site.Bytes, site.Blocks);
                if (!database.IsSampled)
                    continue;

                var variance = Variance.Of(site, database.Processes[site.Process]);
                _own.Add(site.Stack, variance);
                _all.Add(site.Stack, variance);
            }
        }

        // Callers have smaller numbers: going backwards, a stack is complete before it is added to its caller.
        _firstCallee = new int[stacks.Count];
        _nextCallee = new int[stacks.Count];
        for (var stack = stacks.Count - 1; stack > 0; stack--)
        {
            var caller = stacks.Caller[stack];
            _all.Add(caller, _all, stack);
            _nextCallee[stack] = _firstCallee[caller];
            _firstCallee[caller] = stack;
        }
    }

    /// <summary>The root, which has all allocations and no frame. Its children are the outermost frames.</summary>
    public CallNode Root => new(this, 0, isRoot: true);

    internal StackTable Stacks { get; }

    internal MemoryAmount Own(int stack) => new(_own[stack].Bytes, _own[stack].Blocks);

    internal MemoryAmount All(int stack) => new(_all[stack].Bytes, _all[stack].Blocks);

    internal Variance OwnVariance(int stack) => _own.VarianceOf(stack);

    internal Variance AllVariance(int stack) => _all.VarianceOf(stack);

    /// <summary>Returns the callees that allocated, the largest first.</summary>
    internal List<int> Callees(int stack)
    {
        var callees = new List<int>();
        for (var callee = _firstCallee[stack]; callee != 0; callee = _nextCallee[callee])
        {
            if (_all[callee].Blocks != 0)
                callees.Add(callee);
        }

        callees.Sort((a, b) => _all[a] != _all[b] ? _all[b].CompareTo(_all[a]) : Stacks.FrameOf(a).CompareTo(Stacks.FrameOf(b)));
        return callees;
    }
}
