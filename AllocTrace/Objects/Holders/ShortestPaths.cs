namespace AllocTrace.Objects;

/// <summary>
/// Finds the shortest path to each block from the best kind of root that reaches it. Blocks that are not reached are garbage, except for C
/// memory, whose users are unknown.
/// </summary>
internal sealed class ShortestPaths
{
    private const int Unreached = -2, Root = -1;

    private readonly HeapGraph _graph;
    private readonly int[] _parents, _queue;
    private readonly int _reached;

    public ShortestPaths(HeapGraph graph, Roots roots)
    {
        (_graph, Roots) = (graph, roots);
        _parents = new int[graph.Blocks.Length];
        Array.Fill(_parents, Unreached);
        _queue = new int[graph.Blocks.Length];
        var tail = 0;
        for (var kind = RootKind.Module; kind <= RootKind.Memory; kind++)
            tail = Reach(kind, tail);

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
    public ReadOnlySpan<int> Order => _queue.AsSpan(0, _reached);

    public Roots Roots { get; }

    public bool IsReached(int block) => _parents[block] != Unreached;

    /// <summary>Returns whether a block waits for the cyclic collector: an object that no root reaches, or a buffer of one.</summary>
    public bool IsGarbage(int block) => _parents[block] == Unreached && _graph.KindOf(block) is (BlockKind.Object or BlockKind.Buffer);

    /// <summary>Returns the object through which a block is reached, or the root of C memory; -1 when the block is a root itself.</summary>
    public int ParentOf(int block) => _parents[block];

    private int Reach(RootKind kind, int tail)
    {
        var head = tail;
        for (var i = 0; i < _parents.Length; i++)
        {
            if (Roots[i] != kind || _parents[i] != Unreached)
                continue;

            _parents[i] = Root;
            _queue[tail++] = i;
        }

        return Follow(head, tail);
    }

    private int Follow(int head, int tail)
    {
        for (; head < tail; head++)
        {
            var block = _queue[head];
            // Buffers are left out of the way: a deque's are a list as long as the deque.
            var parent = _graph.Types.IsObject(block) || _parents[block] == Root ? block : _parents[block];
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
