namespace AllocTrace.Objects;

/// <summary>Sums blocks by site, type and kind, with what each sum, each type and each site retains: once for what several of its blocks dominate.</summary>
internal sealed class TypeSums : IDisposable
{
    private readonly HeapGraph _graph;
    private readonly ShortestPaths _paths;
    private readonly KeyNumbers _places = new();
    private readonly List<Row> _rows = [];
    private readonly Dictionary<int, Group> _sites = [];
    private readonly Group[] _types;

    /// <summary>The place of each block's row.</summary>
    private readonly Column<int> _of;

    /// <summary>Blocks of which some dominate others: what is retained counts for the outermost only.</summary>
    private sealed class Group
    {
        private int _open;

        public long Retained { get; private set; }

        public void Enter(long retained)
        {
            if (_open++ == 0)
                Retained += retained;
        }

        public void Leave() => _open--;
    }

    private sealed record Row(int Site, int Type, BlockKind Kind, Group OfSite)
    {
        public Group Own { get; } = new();

        public Group OfGarbage { get; } = new();

        public long Blocks { get; set; }

        public long Bytes { get; set; }

        public long GarbageBlocks { get; set; }

        public long GarbageBytes { get; set; }
    }

    public TypeSums(HeapGraph graph, ShortestPaths paths, Dominators dominators)
    {
        (_graph, _paths, _of) = (graph, paths, new Column<int>(graph.Blocks.Length));
        _types = [.. graph.TypeReader.All.Select(_ => new Group())];
        for (var i = 0; i < _of.Length; i++)
            Add(i);

        dominators.Walk(Enter, Leave);
    }

    public IReadOnlyList<long> RetainedByType => [.. _types.Select(type => type.Retained)];

    public IReadOnlyDictionary<int, long> RetainedBySite => _sites.ToDictionary(site => site.Key, site => site.Value.Retained);

    public List<TypeRow> Rows() => [.. _rows.Select(row => new TypeRow(row.Site, row.Type, row.Kind, row.Blocks, row.Bytes, row.Own.Retained))];

    public List<TypeRow> Garbage() => [.. _rows.Where(row => row.GarbageBlocks > 0).Select(row => new TypeRow(row.Site, row.Type, row.Kind, row.GarbageBlocks, row.GarbageBytes, row.OfGarbage.Retained))];

    public void Dispose() => _of.Dispose();

    private void Add(int block)
    {
        var (site, type, kind, bytes) = (_graph.Blocks.SiteOf(block), _graph.TypeOf(block), _graph.KindOf(block), _graph.Blocks.BytesOf(block));
        var key = (ulong)(uint)site << 32 | (uint)(type + 1) << 2 | (uint)kind;
        var place = _places.Of(key, out var isNew);
        if (isNew)
        {
            if (!_sites.TryGetValue(site, out var ofSite))
                _sites.Add(site, ofSite = new Group());

            _rows.Add(new Row(site, type, kind, ofSite));
        }

        var row = _rows[place];
        _of[block] = place;
        row.Blocks++;
        row.Bytes += bytes;
        if (!_paths.IsGarbage(block))
            return;

        row.GarbageBlocks++;
        row.GarbageBytes += bytes;
    }

    private void Enter(int block, long retained)
    {
        var row = _rows[_of[block]];
        row.Own.Enter(retained);
        row.OfSite.Enter(retained);
        if (row.Kind == BlockKind.Object)
            _types[row.Type].Enter(retained);

        if (_paths.IsGarbage(block))
            row.OfGarbage.Enter(retained);
    }

    private void Leave(int block)
    {
        var row = _rows[_of[block]];
        row.Own.Leave();
        row.OfSite.Leave();
        if (row.Kind == BlockKind.Object)
            _types[row.Type].Leave();

        if (_paths.IsGarbage(block))
            row.OfGarbage.Leave();
    }
}
