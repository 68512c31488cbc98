namespace AllocTrace.Objects;

/// <summary>
/// The nodes of a heap snapshot: objects, each with the bytes of its buffers, C memory, and buffers that several objects share. Before them come a root and a
/// group for each kind of root.
/// </summary>
internal sealed class SnapshotNodes : IDisposable
{
    public const int NotNode = -1;

    private readonly HeapGraph _graph;

    /// <summary>For each block its node, or <see cref="NotNode"/>.</summary>
    private readonly Column<int> _nodes;

    /// <summary>For each block the one of whose targets it was last found to be one, plus 1, and its place among them.</summary>
    private readonly Column<int> _found, _places;
    private readonly Column<long> _bytes;
    private readonly Stack<int> _buffers = [];

    /// <param name="graph">The blocks.</param>
    /// <param name="first">The number of the first node.</param>
    public SnapshotNodes(HeapGraph graph, int first)
    {
        var count = graph.Blocks.Length;
        (_graph, _nodes, _found, _places, _bytes) = (graph, new Column<int>(count), new Column<int>(count), new Column<int>(count), new Column<long>(count));
        using var isShared = FindShared();
        Count = first;
        for (var i = 0; i < _nodes.Length; i++)
        {
            var kind = graph.KindOf(i);
            _nodes[i] = kind is BlockKind.Object or BlockKind.Memory || (kind == BlockKind.Buffer && isShared[i]) ? Count++ : NotNode;
            _bytes[_nodes[i] != NotNode || kind == BlockKind.Free ? i : graph.Types.OwnerOf(i)] += graph.Blocks.BytesOf(i);
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
                if (_nodes[target] == NotNode)
                {
                    _buffers.Push(target);
                    continue;
                }

                _places[target] = targets.Count;
                targets.Add(target);
            }
        }
    }

    /// <summary>Returns the place of a block among the targets of the node that was asked last; -1 when it is none.</summary>
    /// <param name="block">The block of that node.</param>
    /// <param name="target">The block that may be a target.</param>
    public int PlaceOf(int block, int target) => _found[target] == block + 1 && _nodes[target] != NotNode ? _places[target] : -1;

    /// <summary>Forgets what was found, so that all nodes can be asked for again.</summary>
    public void Restart() => _found.Span.Clear();

    public void Dispose()
    {
        _nodes.Dispose();
        _found.Dispose();
        _places.Dispose();
        _bytes.Dispose();
    }

    private Column<bool> FindShared()
    {
        var isShared = new Column<bool>(_nodes.Length);
        var (references, types) = (_graph.References, _graph.Types);
        for (var i = 0; i < _nodes.Length; i++)
        {
            var owner = references.ObjectOf(i);
            foreach (var target in references.References(i))
                isShared[target] |= types.OwnerOf(target) is >= 0 and var other && other != owner;
        }

        return isShared;
    }
}
