namespace AllocTrace.Analysis;

/// <summary>A frame in a <see cref="CallTree"/>, reached in one way.</summary>
public sealed class CallNode
{
    private readonly CallTree _tree;
    private readonly int _stack;
    private readonly bool _isRoot;

    internal CallNode(CallTree tree, int stack, bool isRoot = false)
    {
        _tree = tree;
        _stack = stack;
        _isRoot = isRoot;
    }

    /// <summary>The frame; <see langword="null"/> for the root, and for allocations that no Python frame led to.</summary>
    public Frame? Frame => _stack == 0 ? null : _tree.Stacks.FrameOf(_stack);

    /// <summary>Everything allocated by the frame and by what it called.</summary>
    public MemoryAmount All => _stack == 0 && !_isRoot ? _tree.Own(0) : _tree.All(_stack);

    /// <summary>The allocations of the frame itself.</summary>
    public MemoryAmount Own => _isRoot ? default : _tree.Own(_stack);

    /// <summary>When allocations were sampled: the true figures are so near to <see cref="All"/> in 95 of 100 cases. Otherwise 0.</summary>
    public MemoryAmount AllError => AllVariance.Error;

    /// <summary>The same of <see cref="Own"/>.</summary>
    public MemoryAmount OwnError => OwnVariance.Error;

    internal Variance OwnVariance => _isRoot ? default : _tree.OwnVariance(_stack);

    internal Variance AllVariance => _stack == 0 && !_isRoot ? _tree.OwnVariance(0) : _tree.AllVariance(_stack);

    /// <summary>The calls it made, the largest first.</summary>
    public IReadOnlyList<CallNode> Children
    {
        get
        {
            if (_stack == 0 && !_isRoot)
                return [];

            var nodes = _tree.Callees(_stack).Select(callee => new CallNode(_tree, callee));
            return _isRoot && _tree.Own(0).Blocks != 0
                ? [.. nodes.Append(new CallNode(_tree, 0)).OrderByDescending(node => node.All.Bytes)]
                : [.. nodes];
        }
    }
}
