namespace AllocTrace.Objects;

/// <summary>
/// The nodes of a heap snapshot: objects, each with the bytes of its buffers, C memory, and buffers that several objects share. Before them come a root and a
/// group for each kind of root.
/// </summary>
internal sealed class SnapshotNodes
{
    public const int NotNode = -1;

    private readonly HeapGraph _graph;

    /// <summary>For each block its node, or <see cref="NotNode"/>.</summary>
    private readonly int[] _nodes;

    /// <summary>For each block the node of whose targets it was last found to be one.</summary>
    private readonly int[] _found;
    private readonly long[] _bytes;
    private readonly Stack<int> _buffers = [];

    /// <param name="graph">The blocks.</param>
    /// <param name="first">The number of the first node.</param>
    public SnapshotNodes(HeapGraph graph, int first)
    {
        (_graph, _nodes, _found, _bytes) = (graph, new int[graph.Blocks.Length], new int[graph.Blocks.Length], new long[graph.Blocks.Length]);
        var isShared = FindShared();
        Count = first;
        for (var i = 0; i < _nodes.Length; i++)
        {
            var kind = graph.KindOf(i);
            _nodes[i] = kind is BlockKind.Object or BlockKind.Memory || (kind == BlockKind.Buffer && isShared[i]) ? Count++ : NotNode;
            _bytes[_nodes[i] != NotNode || kind == BlockKind.Free ? i : graph.References.Owners[i]] += graph.Blocks[i].Bytes;
        }
    }

    /// <summary>The number of nodes, with those before the first.</summary>
    public int Count { get; }

    /// <summary>Returns the node of a block, or <see cref="NotNode"/>.</summary>
    public int this[int block] => _nodes[block];

    /// <summary>Returns the bytes of a node: the block's own and those of its buffers.</summary>
    public long BytesOf(int block) => _bytes[block];

    /// <summary>Finds the blocks of the nodes that a node refers to, directly or through its buffers, each once.</summary>
    public void Targets(int block, List<int> targets)
    {
        targets.Clear();
        _buffers.Push(block);
        while (_buffers.TryPop(out var source))
        {
            foreach (var target in _graph.References.References(source))
            {
                if (_found[target] == block + 1)
                    continue;

                _found[target] = block + 1;
                if (_nodes[target] != NotNode)
                    targets.Add(target);
                else
                    _buffers.Push(target);
            }
        }
    }

    /// <summary>Forgets what was found, so that all nodes can be asked for again.</summary>
    public void Restart() => Array.Clear(_found);

    private bool[] FindShared()
    {
        var isShared = new bool[_nodes.Length];
        var references = _graph.References;
        for (var i = 0; i < _nodes.Length; i++)
        {
            var owner = references.ObjectOf(i);
            foreach (var target in references.References(i))
                isShared[target] |= references.Owners[target] >= 0 && references.Owners[target] != owner;
        }

        return isShared;
    }
}
