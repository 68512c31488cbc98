namespace AllocTrace.Objects;

/// <summary>
/// Finds who holds the objects of each site and type, all in one pass over the dominators: a query for each of thousands would take a pass each.
/// </summary>
internal sealed class HolderSums : IDisposable
{
    /// <summary>The limits: the groups that retain most are kept, with their paths that hold most.</summary>
    private const int MostGroups = 2000, MostPaths = 20;

    private const int NotMember = -1;

    private readonly HeapGraph _graph;
    private readonly ShortestPaths _paths;

    /// <summary>By site and type, and by the number of a group and a path: the two halves of the keys.</summary>
    private readonly KeyNumbers _numbers = new(), _places = new();
    private readonly List<Group> _groups = [];
    private readonly List<Sum> _sums = [];
    private readonly Column<int> _placeOf;

    private sealed class Group(int site, int type)
    {
        public int Site => site;

        public int Type => type;

        public long Blocks { get; set; }

        public long Retained { get; set; }
    }

    /// <summary>The objects of a group that one path holds.</summary>
    private sealed class Sum(Group group, int first)
    {
        private int _open;

        public Group Group => group;

        /// <summary>One of them.</summary>
        public int First => first;

        public long Blocks { get; set; }

        public long Bytes { get; set; }

        public long Retained { get; private set; }

        /// <summary>Counts the bytes that an object retains, unless an object that dominates it was counted.</summary>
        public void Enter(long retained)
        {
            if (_open++ > 0)
                return;

            Retained += retained;
            group.Retained += retained;
        }

        public void Leave() => _open--;
    }

    public HolderSums(HeapGraph graph, ShortestPaths paths, Dominators dominators, PathTexts texts)
    {
        (_graph, _paths, _placeOf) = (graph, paths, new Column<int>(graph.Blocks.Length));
        texts.MakeAll();
        for (var i = 0; i < _placeOf.Length; i++)
            _placeOf[i] = PlaceOf(i, texts);

        dominators.Walk(Enter, Leave);
    }

    /// <summary>Returns the holders, with paths as text.</summary>
    /// <param name="texts">The paths with keys and strings of the program.</param>
    /// <param name="privateTexts">The paths without.</param>
    /// <param name="nameOf">Names a type.</param>
    public List<HeldRow> Rows(PathTexts texts, PathTexts privateTexts, Func<int, string> nameOf)
    {
        var kept = _groups.OrderByDescending(group => group.Retained).ThenByDescending(group => group.Blocks).Take(MostGroups).ToHashSet();
        return
        [
            .. from sum in _sums
               where kept.Contains(sum.Group)
               group sum by sum.Group into sums
               from sum in sums.OrderByDescending(sum => sum.Blocks).ThenByDescending(sum => sum.Retained).Take(MostPaths)
               let text = Text(texts, sum.First)
               let privateText = Text(privateTexts, sum.First)
               select new HeldRow(
                   sum.Group.Site, nameOf(sum.Group.Type), text, privateText == text ? text : privateText, sum.Blocks, sum.Group.Blocks, sum.Bytes, sum.Retained),
        ];
    }

    public void Dispose() => _placeOf.Dispose();

    private static string Text(PathTexts texts, int block) => string.Concat(texts.PartsOf(texts.PathOf(block)));

    private int PlaceOf(int block, PathTexts texts)
    {
        if (_graph.KindOf(block) != BlockKind.Object)
            return NotMember;

        var (site, type) = (_graph.Blocks.SiteOf(block), _graph.TypeOf(block));
        var number = _numbers.Of((ulong)(uint)site << 32 | (uint)type, out var isNewGroup);
        if (isNewGroup)
            _groups.Add(new Group(site, type));

        var group = _groups[number];
        group.Blocks++;
        if (_paths.IsGarbage(block))
            return NotMember;

        var place = _places.Of((ulong)number << 32 | (uint)texts.PathOf(block), out var isNew);
        if (isNew)
            _sums.Add(new Sum(group, block));

        _sums[place].Blocks++;
        _sums[place].Bytes += _graph.Blocks.BytesOf(block);
        return place;
    }

    private void Enter(int block, long retained)
    {
        if (_placeOf[block] is not NotMember and var place)
            _sums[place].Enter(retained);
    }

    private void Leave(int block)
    {
        if (_placeOf[block] is not NotMember and var place)
            _sums[place].Leave();
    }
}
