using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>
/// Computes the bytes that each block retains: those that would be freed with it. A block dominates another one if every way from a root to
/// that goes through it; it retains the blocks that it dominates. Uses semi-NCA (Georgiadis, Tarjan, Werneck, "Finding Dominators in
/// Practice", 2006), without recursion.
/// </summary>
/// <remarks>
/// Blocks are numbered in the order of a search in depth; number 0 is a virtual root above all roots. Arrays are by that number, and are used again for a second
/// purpose where a first one ends. A leaf, which refers to nothing and to which one block refers, has no number: that block dominates it. Most of the blocks of
/// a program are leaves (numbers, strings), so that the arrays need 4 bytes a block and 28 for each that is no leaf, and 4 a reference to one.
/// </remarks>
internal sealed class Dominators : IDisposable
{
    /// <summary>The values of <see cref="_numbers"/> that are no numbers.</summary>
    private const int None = 0, Candidate = -1, Leaf = -2;

    private readonly BlockGraph _graph;
    private readonly BlockList _list;
    private readonly Column<int> _numbers, _blocks;

    /// <summary>First the parent in the tree of the search, then the dominator.</summary>
    private readonly Column<int> _parents;

    /// <summary>First labels and ancestors of the algorithm, then the tree of dominators: the first child and the next sibling.</summary>
    private readonly Column<int> _labels, _ancestors;

    /// <summary>First two numbers for each block: its semidominator, and where the references to it begin.</summary>
    private readonly Column<long> _retained;

    /// <param name="graph">The references.</param>
    /// <param name="entries">The roots, the best ones first, each once.</param>
    /// <param name="blocks">The blocks, for their bytes.</param>
    public Dominators(BlockGraph graph, ReadOnlySpan<int> entries, BlockList blocks)
    {
        (_graph, _list, _numbers) = (graph, blocks, new Column<int>(graph.Count));
        var most = FindLeaves(entries) + 1;
        (_blocks, _parents, _labels, _ancestors) = (new Column<int>(most), new Column<int>(most), new Column<int>(most), new Column<int>(most));
        Number(entries);
        _retained = new Column<long>(Count + 1);
        Compute(entries);
        SumRetained();
        LinkChildren();
    }

    /// <summary>The number of blocks that are reached and no leaves, with the virtual root.</summary>
    private int Count { get; set; } = 1;

    /// <summary>Returns the bytes that a block retains; 0 when it is not reached.</summary>
    public long RetainedBy(int block) => _numbers[block] switch
    {
        > 0 and var number => _retained[number],
        Leaf => _list.BytesOf(block),
        _ => 0,
    };

    public void Dispose()
    {
        foreach (var column in (ReadOnlySpan<Column<int>>)[_numbers, _blocks, _parents, _labels, _ancestors])
            column.Dispose();

        _retained.Dispose();
    }

    /// <summary>Visits all blocks from dominators to what they dominate.</summary>
    /// <param name="enter">Called before what the block dominates, with the bytes that it retains.</param>
    /// <param name="leave">Called after it.</param>
    public void Walk(Action<int, long> enter, Action<int> leave)
    {
        var number = _labels[0];
        while (number > 0)
        {
            enter(_blocks[number], _retained[number]);
            WalkLeaves(_blocks[number], enter, leave);
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

    private void WalkLeaves(int block, Action<int, long> enter, Action<int> leave)
    {
        foreach (var target in _graph.References(block))
        {
            if (_numbers[target] != Leaf)
                continue;

            enter(target, _list.BytesOf(target));
            leave(target);
        }
    }

    /// <summary>Marks the blocks that are leaves if the search comes to them. Returns the number of the others.</summary>
    private int FindLeaves(ReadOnlySpan<int> entries)
    {
        foreach (var target in _graph.All)
            _numbers[target] = Math.Min(_numbers[target] + 1, 2);

        foreach (var entry in entries)
            _numbers[entry] = 2; // the virtual root refers to it

        var others = 0;
        for (var i = 0; i < _numbers.Length; i++)
        {
            _numbers[i] = _numbers[i] == 1 && _graph.References(i).IsEmpty ? Candidate : None;
            others += _numbers[i] == None ? 1 : 0;
        }

        return others;
    }

    /// <summary>Numbers the blocks by a search in depth. <see cref="_labels"/> has the next reference to follow meanwhile.</summary>
    private void Number(ReadOnlySpan<int> entries)
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
                for (; next < end && _numbers[_graph.Targets[next]] is not None and var found; next++)
                {
                    if (found == Candidate)
                        _numbers[_graph.Targets[next]] = Leaf;
                }

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

    private void Compute(ReadOnlySpan<int> entries)
    {
        var scratch = MemoryMarshal.Cast<long, int>(_retained.Span);
        var semi = scratch[..Count];
        var heads = scratch[Count..];
        using var sources = Reverse(heads);
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
    private Column<int> Reverse(Span<int> heads)
    {
        for (var number = 1; number < Count; number++)
        {
            foreach (var target in _graph.References(_blocks[number]))
            {
                if (_numbers[target] > 0)
                    heads[_numbers[target]]++;
            }
        }

        for (var number = 1; number <= Count; number++)
            heads[number] += heads[number - 1];

        // Filled from the ends, so that each head comes down to its beginning.
        var sources = new Column<int>(heads[Count]);
        for (var number = Count - 1; number > 0; number--)
        {
            foreach (var target in _graph.References(_blocks[number]))
            {
                if (_numbers[target] > 0)
                    sources[--heads[_numbers[target]]] = number;
            }
        }

        return sources;
    }

    private void SumRetained()
    {
        _retained.Span.Clear();
        for (var number = Count - 1; number > 0; number--)
        {
            var bytes = _list.BytesOf(_blocks[number]);
            foreach (var target in _graph.References(_blocks[number]))
                bytes += _numbers[target] == Leaf ? _list.BytesOf(target) : 0;

            _retained[number] += bytes;
            _retained[_parents[number]] += _retained[number];
        }
    }

    private void LinkChildren()
    {
        _labels.Span.Clear();
        _ancestors.Span.Clear();
        for (var number = Count - 1; number > 0; number--)
        {
            _ancestors[number] = _labels[_parents[number]];
            _labels[_parents[number]] = number;
        }
    }
}
