namespace AllocTrace.Objects;

/// <summary>Finds who holds a set of blocks: paths, what each retains, and the closest common holder. One pass over the dominators.</summary>
internal sealed class HolderQuery
{
    private const int NotMember = -1, Garbage = -2;

    private readonly HeapGraph _graph;
    private readonly Dominators _dominators;
    private readonly PathTexts _texts;

    /// <summary>For each block its place in <see cref="_sums"/>, or a negative number.</summary>
    private readonly int[] _members;
    private readonly List<Sum> _sums = [];
    private readonly long _live;

    /// <summary>For each dominator above the block that is visited, the members below it.</summary>
    private readonly List<long> _below = [0];
    private int _open;
    private long _blocks, _bytes, _retained, _garbageBlocks, _garbageBytes;
    private int _common = -1;

    private sealed class Sum(int path)
    {
        public int Path { get; } = path;

        public long Blocks { get; set; }

        public long Bytes { get; set; }

        public long Retained { get; set; }

        public int Open { get; set; }
    }

    private HolderQuery(HeapGraph graph, ShortestPaths paths, Dominators dominators, PathTexts texts, Func<int, bool> isMember)
    {
        (_graph, _dominators, _texts) = (graph, dominators, texts);
        _members = new int[graph.Blocks.Length];
        var places = new Dictionary<int, int>();
        for (var i = 0; i < _members.Length; i++)
        {
            _members[i] = NotMember;
            if (!isMember(i) || graph.KindOf(i) == BlockKind.Free)
                continue;

            _blocks++;
            _bytes += graph.Blocks.BytesOf(i);
            if (paths.IsGarbage(i))
            {
                _members[i] = Garbage;
                _garbageBlocks++;
                _garbageBytes += graph.Blocks.BytesOf(i);
                continue;
            }

            // The path to a buffer is that to the object that has it.
            var path = texts.PathOf(graph.KindOf(i) == BlockKind.Buffer && paths.ParentOf(i) is var owner and >= 0 ? owner : i);
            if (!places.TryGetValue(path, out var place))
            {
                places.Add(path, place = _sums.Count);
                _sums.Add(new Sum(path));
            }

            _members[i] = place;
            _sums[place].Blocks++;
            _sums[place].Bytes += graph.Blocks.BytesOf(i);
            _live++;
        }
    }

    /// <summary>Runs a query.</summary>
    /// <param name="graph">The blocks.</param>
    /// <param name="paths">The way to each block.</param>
    /// <param name="dominators">The bytes that each block retains.</param>
    /// <param name="texts">The names of the ways.</param>
    /// <param name="isMember">Returns true for the blocks to find holders of.</param>
    /// <param name="most">The most rows that are returned.</param>
    public static Holders Run(HeapGraph graph, ShortestPaths paths, Dominators dominators, PathTexts texts, Func<int, bool> isMember, int most)
    {
        var query = new HolderQuery(graph, paths, dominators, texts, isMember);
        dominators.Walk(query.Enter, query.Leave);
        var rows = query._sums.OrderByDescending(sum => sum.Blocks).ThenByDescending(sum => sum.Retained).Take(most)
            .Select(sum => new HolderRow(texts.PartsOf(sum.Path), texts.RootOf(sum.Path), sum.Blocks, sum.Bytes, sum.Retained)).ToList();
        return new Holders(query._blocks, query._bytes, query._retained, query._garbageBlocks, query._garbageBytes, query.Common(), rows);
    }

    private void Enter(int block, long retained)
    {
        _below.Add(0);
        if (_members[block] == NotMember)
            return;

        if (_open++ == 0)
            _retained += retained;

        if (_members[block] >= 0 && _sums[_members[block]] is var sum && sum.Open++ == 0)
            sum.Retained += retained;
    }

    private void Leave(int block)
    {
        var below = _below[^1];
        _below.RemoveAt(_below.Count - 1);

        // The first one that is left with enough of them below it is the closest.
        if (_common < 0 && _live > 0 && below * 10 >= _live * 9)
            _common = block;

        if (_members[block] != NotMember)
        {
            _open--;
            if (_members[block] >= 0)
            {
                below++;
                _sums[_members[block]].Open--;
            }
        }

        _below[^1] += below;
    }

    private Dominator? Common()
    {
        var holder = _common < 0 ? -1 : _graph.References.ObjectOf(_common);
        return holder < 0 ? null : new Dominator(_graph.Values.NameOf(_graph.TypeOfObject(holder)), _texts.PartsOf(_texts.PathOf(holder)), _dominators.RetainedBy(holder));
    }
}
