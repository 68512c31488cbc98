using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>
/// Computes the bytes that each block retains: those that would be freed with it. A block dominates another one if every way from a root to
/// that goes through it; it retains the blocks that it dominates. Uses semi-NCA (Georgiadis, Tarjan, Werneck, "Finding Dominators in
/// Practice", 2006), without recursion.
/// </summary>
/// <remarks>
/// Blocks are numbered in the order of a search in depth; number 0 is a virtual root above all roots. All arrays are by that number, and are used again for a
/// second purpose where a first one ends: they are most of what an analysis needs, 28 bytes a block and 4 a reference.
/// </remarks>
internal sealed class Dominators
{
    private const int None = -1;

    private readonly BlockGraph _graph;
    private readonly int[] _numbers, _blocks;

    /// <summary>First the parent in the tree of the search, then the dominator.</summary>
    private readonly int[] _parents;

    /// <summary>First labels and ancestors of the algorithm, then the tree of dominators: the first child and the next sibling.</summary>
    private readonly int[] _labels, _ancestors;

    /// <summary>First two numbers for each block: its semidominator, and where the references to it begin.</summary>
    private readonly long[] _retained;

    /// <param name="graph">The references.</param>
    /// <param name="entries">The roots, the best ones first, each once.</param>
    /// <param name="blocks">The blocks, for their bytes.</param>
    public Dominators(BlockGraph graph, IReadOnlyList<int> entries, ImageBlock[] blocks)
    {
        _graph = graph;
        var count = graph.Count + 1;
        (_numbers, _blocks, _parents, _labels, _ancestors) = (new int[graph.Count], new int[count], new int[count], new int[count], new int[count]);
        Array.Fill(_numbers, None);
        Number(entries);
        _retained = new long[Count + 1];
        Compute(entries);
        SumRetained(blocks);
        LinkChildren();
    }

    /// <summary>The number of blocks that are reached, with the virtual root.</summary>
    public int Count { get; private set; } = 1;

    /// <summary>Returns the bytes that a block retains; 0 when it is not reached.</summary>
    public long RetainedBy(int block) => _numbers[block] == None ? 0 : _retained[_numbers[block]];

    /// <summary>Returns the block that dominates a block most closely; -1 when only all roots together do, or it is not reached.</summary>
    public int DominatorOf(int block) => _numbers[block] <= 0 || _parents[_numbers[block]] == 0 ? -1 : _blocks[_parents[_numbers[block]]];

    /// <summary>Visits all blocks from dominators to what they dominate.</summary>
    /// <param name="enter">Called before what the block dominates, with the bytes that it retains.</param>
    /// <param name="leave">Called after it.</param>
    public void Walk(Action<int, long> enter, Action<int> leave)
    {
        var number = _labels[0];
        while (number > 0)
        {
            enter(_blocks[number], _retained[number]);
            if (_labels[number] > 0)
            {
                number = _labels[number];
                continue;
            }

            leave(_blocks[number]);
            while (_ancestors[number] == 0)
            {
                number = _parents[number];
                if (number == 0)
                    return;

                leave(_blocks[number]);
            }

            number = _ancestors[number];
        }
    }

    /// <summary>Numbers the blocks by a search in depth. <see cref="_labels"/> has the next reference to follow meanwhile.</summary>
    private void Number(IReadOnlyList<int> entries)
    {
        foreach (var entry in entries)
        {
            if (_numbers[entry] != None)
                continue;

            var number = Take(entry, 0);
            while (number > 0)
            {
                var (block, next) = (_blocks[number], _labels[number]);
                var end = _graph.Heads[block + 1];
                while (next < end && _numbers[_graph.Targets[next]] != None)
                    next++;

                _labels[number] = next + 1;
                number = next < end ? Take(_graph.Targets[next], number) : _parents[number];
            }
        }
    }

    private int Take(int block, int parent)
    {
        var number = Count++;
        (_numbers[block], _blocks[number], _parents[number], _labels[number]) = (number, block, parent, _graph.Heads[block]);
        return number;
    }

    private void Compute(IReadOnlyList<int> entries)
    {
        var scratch = MemoryMarshal.Cast<long, int>(_retained.AsSpan());
        var semi = scratch[..Count];
        var heads = scratch[Count..];
        var sources = Reverse(heads);
        for (var i = 0; i < Count; i++)
            (semi[i], _labels[i], _ancestors[i]) = (i, i, _parents[i]);

        foreach (var entry in entries)
            semi[_numbers[entry]] = 0; // the virtual root refers to it

        var path = new List<int>();
        for (var number = Count - 1; number > 0; number--)
        {
            var best = semi[number] == 0 ? 0 : _parents[number];
            for (var at = heads[number]; best > 0 && at < heads[number + 1]; at++)
            {
                var source = sources[at];
                best = Math.Min(best, source <= number ? source : semi[Evaluate(source, number + 1, semi, path)]);
            }

            semi[number] = best;
            _labels[number] = number;
        }

        for (var number = 1; number < Count; number++)
        {
            var dominator = _parents[number];
            while (dominator > semi[number])
                dominator = _parents[dominator];

            _parents[number] = dominator;
        }
    }

    /// <summary>Returns the vertex with the least semidominator on the way up to, but not including, the vertices below <paramref name="last"/>; compresses the way.</summary>
    private int Evaluate(int vertex, int last, ReadOnlySpan<int> semi, List<int> path)
    {
        path.Clear();
        var top = vertex;
        for (; _ancestors[top] >= last; top = _ancestors[top])
            path.Add(top);

        var (ancestor, best) = (_ancestors[top], _labels[top]);
        for (var i = path.Count - 1; i >= 0; i--)
        {
            var each = path[i];
            if (semi[_labels[each]] > semi[best])
                _labels[each] = best;
            else
                best = _labels[each];

            _ancestors[each] = ancestor;
        }

        return _labels[vertex];
    }

    /// <summary>Returns, for each number, the numbers of what refers to it.</summary>
    /// <param name="heads">Zeros. Gets where those of a number begin; one more than there are numbers.</param>
    private int[] Reverse(Span<int> heads)
    {
        for (var number = 1; number < Count; number++)
        {
            foreach (var target in _graph.References(_blocks[number]))
                heads[_numbers[target]]++;
        }

        for (var number = 1; number <= Count; number++)
            heads[number] += heads[number - 1];

        // Filled from the ends, so that each head comes down to its beginning.
        var sources = new int[heads[Count]];
        for (var number = Count - 1; number > 0; number--)
        {
            foreach (var target in _graph.References(_blocks[number]))
                sources[--heads[_numbers[target]]] = number;
        }

        return sources;
    }

    private void SumRetained(ImageBlock[] blocks)
    {
        Array.Clear(_retained);
        for (var number = Count - 1; number > 0; number--)
        {
            _retained[number] += blocks[_blocks[number]].Bytes;
            _retained[_parents[number]] += _retained[number];
        }
    }

    private void LinkChildren()
    {
        Array.Clear(_labels);
        Array.Clear(_ancestors);
        for (var number = Count - 1; number > 0; number--)
        {
            _ancestors[number] = _labels[_parents[number]];
            _labels[_parents[number]] = number;
        }
    }
}
