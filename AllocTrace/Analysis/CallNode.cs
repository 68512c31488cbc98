namespace AllocTrace.Analysis;

/// <summary>A node of a <see cref="CallTree"/>: a frame with the callers that led to it. Immutable.</summary>
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

    /// <summary>The frame; <see langword="null"/> for the root, and for allocations without a Python frame.</summary>
    public Frame? Frame => _stack == 0 ? null : _tree.Stacks.FrameOf(_stack);

    /// <summary>The amount allocated by the frame and its callees.</summary>
    public MemoryAmount All => _stack == 0 && !_isRoot ? _tree.Own(0) : _tree.All(_stack);

    /// <summary>The amount allocated by the frame itself.</summary>
    public MemoryAmount Own => _isRoot ? default : _tree.Own(_stack);

    /// <summary>The amount by which <see cref="All"/> may be off in 95 of 100 cases; 0 unless allocations were sampled.</summary>
    public MemoryAmount AllError => AllVariance.Error;

    /// <summary>The amount by which <see cref="Own"/> may be off in 95 of 100 cases; 0 unless allocations were sampled.</summary>
    public MemoryAmount OwnError => OwnVariance.Error;

    internal Variance OwnVariance => _isRoot ? default : _tree.OwnVariance(_stack);

    internal Variance AllVariance => _stack == 0 && !_isRoot ? _tree.OwnVariance(0) : _tree.AllVariance(_stack);

    /// <summary>The callees, the largest first. Each read creates a new list.</summary>
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
