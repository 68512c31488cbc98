namespace AllocTrace.Objects;

/// <summary>
/// Finds the shortest path to each block from the best kind of root that reaches it. Blocks that are not reached are garbage, except for C
/// memory, whose users are unknown.
/// </summary>
internal sealed class ShortestPaths : IDisposable
{
    /// <summary>In <see cref="_parents"/>, which has a block's parent plus 2.</summary>
    private const int Unreached = 0, Root = 1, First = 2;

    private readonly HeapGraph _graph;
    private readonly Column<int> _parents, _queue;
    private readonly int _reached;

    public ShortestPaths(HeapGraph graph, Roots roots)
    {
        (_graph, Roots) = (graph, roots);
        (_parents, _queue) = (new Column<int>(graph.Blocks.Length), new Column<int>(graph.Blocks.Length));
        var tail = 0;
        var inOrder = roots.InOrder().AsSpan();
        for (int end; inOrder.Length > 0; inOrder = inOrder[end..])
        {
            for (end = 1; end < inOrder.Length && roots[inOrder[end]] == roots[inOrder[0]]; end++)
                ;

            tail = Reach(inOrder[..end], tail);
        }

        // Rings of C memory: no root reaches them.
        for (var i = 0; i < _parents.Length; i++)
        {
            if (_parents[i] != Unreached || graph.KindOf(i) != BlockKind.Memory)
                continue;

            roots.Add(i, RootKind.Memory);
            _parents[i] = Root;
            _queue[tail] = i;
            tail = Follow(tail, tail + 1);
        }

        _reached = tail;
    }

    /// <summary>The blocks that are reached, each after its parent, those with the same parent mostly together.</summary>
    public ReadOnlySpan<int> Order => _queue.Span[.._reached];

    public Roots Roots { get; }

    public bool IsReached(int block) => _parents[block] != Unreached;

    /// <summary>Returns whether a block waits for the cyclic collector: an object that no root reaches, or a buffer of one.</summary>
    public bool IsGarbage(int block) => _parents[block] == Unreached && _graph.KindOf(block) is (BlockKind.Object or BlockKind.Buffer);

    /// <summary>Returns the object through which a block is reached, or the root of C memory; -1 when the block is a root itself.</summary>
    public int ParentOf(int block) => Math.Max(_parents[block], Root) - First;

    public void Dispose()
    {
        _parents.Dispose();
        _queue.Dispose();
        Roots.Dispose();
    }

    /// <summary>Reaches what roots of one kind lead to.</summary>
    private int Reach(ReadOnlySpan<int> roots, int tail)
    {
        var head = tail;
        foreach (var root in roots)
        {
            if (_parents[root] != Unreached)
                continue;

            _parents[root] = Root;
            _queue[tail++] = root;
        }

        return Follow(head, tail);
    }

    private int Follow(int head, int tail)
    {
        for (; head < tail; head++)
        {
            var block = _queue[head];
            // Buffers are left out of the way: a deque's are a list as long as the deque.
            var parent = _graph.Types.IsObject(block) || _parents[block] == Root ? block + First : _parents[block];
            foreach (var target in _graph.References.References(block))
            {
                if (_parents[target] != Unreached)
                    continue;

                _parents[target] = parent;
                _queue[tail++] = target;
            }
        }

        return tail;
    }
}
