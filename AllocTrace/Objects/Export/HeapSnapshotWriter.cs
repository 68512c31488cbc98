using System.Globalization;
using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>
/// Writes the format of V8's heap snapshots, which Chrome's Memory panel loads: nodes with retainers and dominators, and for each node the line that
/// allocated it. The file is written as it is computed: nothing but a number for each block and the names is kept.
/// </summary>
internal sealed class HeapSnapshotWriter : IDisposable
{
    /// <summary>The types of nodes and of edges, as their places in the lists of <see cref="Meta"/>.</summary>
    private const int Array = 1, Text = 2, Object = 3, Code = 4, Closure = 5, Pattern = 6, Number = 7, Native = 8, Synthetic = 9;
    private const int Context = 0, Element = 1, Property = 2, Internal = 3;

    private const int FieldsOfNode = 7;

    /// <summary>Larger dicts have numbers instead of keys, so that the table of strings stays small.</summary>
    private const long MostKeys = 1 << 12;

    private const string Meta =
        """
        {"snapshot":{"meta":{
        "node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],
        "node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic","concatenated string","sliced string","symbol","bigint","object shape"],"string","number","number","number","number","number"],
        "edge_fields":["type","name_or_index","to_node"],
        "edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"],
        "trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],
        "trace_node_fields":["id","function_info_index","count","size","children"],
        "sample_fields":["timestamp_us","last_assigned_id"],
        "location_fields":["object_index","script_id","line","column"]},

        """;

    private static readonly string[] _groups =
        ["(modules)", "(locals)", "(frames)", "(threads)", "(static data)", "(held by C)", "(C memory)", "(garbage)"];

    private readonly HeapGraph _graph;
    private readonly ShortestPaths _paths;
    private readonly SnapshotText _text;
    private readonly SnapshotNodes _nodes;
    private readonly ObjectReferences _references;
    private readonly List<int>[] _roots = [.. _groups.Select(_ => new List<int>())];
    private readonly Dictionary<int, int> _sites = [];
    private readonly List<(long Blocks, long Bytes)> _sums = [];
    private readonly List<int> _targets = [];

    /// <summary>The number of references of each block.</summary>
    private readonly Column<int> _edges;

    /// <summary>The names of the references to <see cref="_targets"/>; those without a target have none.</summary>
    private readonly List<ReferencePlace> _places = [];
    private readonly Action<ReferencePlace> _note;
    private int _source;

    /// <summary>By type the name of its objects as a string of the file.</summary>
    private readonly Dictionary<int, int> _typeNames = [];

    private HeapSnapshotWriter(HeapGraph graph, ShortestPaths paths, IEnumerable<int> garbage, Stream stream)
    {
        (_graph, _paths, _text, _references) = (graph, paths, new SnapshotText(stream), new ObjectReferences(graph));
        (_nodes, _edges, _note) = (new SnapshotNodes(graph, _groups.Length + 1), new Column<int>(graph.Blocks.Length), Note);
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            if (_nodes[i] == SnapshotNodes.NotNode)
                continue;

            if (paths.Roots[i] != RootKind.None)
                _roots[(int)paths.Roots[i]].Add(i);

            var site = graph.Blocks.SiteOf(i);
            if (_sites.TryAdd(site, _sites.Count))
                _sums.Add(default);

            var sum = _sums[_sites[site]];
            _sums[_sites[site]] = (sum.Blocks + 1, sum.Bytes + _nodes.BytesOf(i));
        }

        _roots[^1].AddRange(garbage.Where(block => _nodes[block] != SnapshotNodes.NotNode));
    }

    /// <summary>Writes a snapshot.</summary>
    /// <param name="graph">The blocks.</param>
    /// <param name="paths">The roots.</param>
    /// <param name="garbage">Blocks from which all of the garbage is reached.</param>
    /// <param name="siteOf">The line of a site.</param>
    /// <param name="stream">The stream to write to, which stays open.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void Write(HeapGraph graph, ShortestPaths paths, IEnumerable<int> garbage, Func<int, SnapshotSite> siteOf, Stream stream)
    {
        using var writer = new HeapSnapshotWriter(graph, paths, garbage, stream);
        writer._text.String("");
        writer._text.Raw(Meta);
        writer.Nodes();
        writer.Edges();
        writer.Sites(siteOf);
        writer._text.Raw("],\n\"samples\":[],\n\"locations\":[],\n\"strings\":[");
        writer._text.Strings();
        writer._text.Raw("]}\n");
        writer._text.Flush();
    }

    public void Dispose()
    {
        _nodes.Dispose();
        _edges.Dispose();
    }

    private void Nodes()
    {
        var edges = (long)_groups.Length + _roots.Sum(group => group.Count);
        for (var i = 0; i < _graph.Blocks.Length; i++)
            edges += _edges[i] = EdgesOf(i).Count;

        _nodes.Restart();
        _text.Raw(string.Create(CultureInfo.InvariantCulture, $"\"node_count\":{_nodes.Count},\"edge_count\":{edges},\"trace_function_count\":{_sites.Count}}},\n"));
        _text.Begin("\"nodes\":["u8);
        var id = (2L * _graph.Blocks.Length) + 5;
        Node(Synthetic, _text.String("(GC roots)"), 1, 0, _groups.Length, 0);
        for (var i = 0; i < _groups.Length; i++)
            Node(Synthetic, _text.String(_groups[i]), id + (2 * i), 0, _roots[i].Count, 0);

        for (var i = 0; i < _graph.Blocks.Length; i++)
        {
            if (_nodes[i] != SnapshotNodes.NotNode)
                Node(TypeOf(i), NameOf(i), (2L * i) + 3, _nodes.BytesOf(i), _edges[i], _sites[_graph.Blocks.SiteOf(i)] + 1);
        }
    }

    private void Node(int type, int name, long id, long bytes, int edges, int site) => _text.Numbers(type, name, id, bytes, edges, site, 0);

    private List<int> EdgesOf(int block)
    {
        _targets.Clear();
        if (_nodes[block] != SnapshotNodes.NotNode)
            _nodes.Targets(block, _targets);

        return _targets;
    }

    private void Edges()
    {
        _text.Begin("],\n\"edges\":["u8);
        for (var i = 0; i < _groups.Length; i++)
            Edge(Element, i, i + 1);

        foreach (var group in _roots)
        {
            foreach (var root in group)
                Edge(Property, _text.String(_paths.IsReached(root) ? _paths.Roots.NameOf(root) : "ring"), _nodes[root]);
        }

        for (var i = 0; i < _graph.Blocks.Length; i++)
        {
            if (_nodes[i] != SnapshotNodes.NotNode)
                EdgesFrom(i);
        }
    }

    private void EdgesFrom(int block)
    {
        var targets = EdgesOf(block);
        if (targets.Count == 0)
            return;

        var hasKeys = true;
        CollectionsMarshal.SetCount(_places, targets.Count);
        CollectionsMarshal.AsSpan(_places).Clear();
        if (_graph.Types.IsObject(block))
        {
            // A container has more places than references at most by what was deleted.
            (hasKeys, _source) = (targets.Count <= MostKeys, block);
            _references.Visit(block, _note, most: 64 + (16L * targets.Count));
        }

        for (var i = 0; i < targets.Count; i++)
        {
            var (type, name) = EdgeName(block, targets[i], hasKeys, i);
            Edge(type, name, _nodes[targets[i]]);
        }
    }

    /// <summary>Notes a named reference of the block that is written, unless one to the same target came before.</summary>
    private void Note(ReferencePlace place)
    {
        if (_graph.Target.FindObject(place.Target) is var target and >= 0 && _nodes.PlaceOf(_source, target) is var at and >= 0 && _places[at].Target == 0)
            _places[at] = place;
    }

    private (int Type, long Name) EdgeName(int block, int target, bool hasKeys, int place)
    {
        var named = _places[place];
        if (named.Target == 0)
        {
            var isClass = _graph.Types.IsObject(block) && _graph.Types.IsObject(target) && _graph.TypeOfObject(block).Address == _graph.Target.AddressOf(target);
            return (Internal, _text.String(isClass ? "__class__" : "internal"));
        }

        return named.Kind switch
        {
            ReferenceKind.Index => (Element, (long)named.Value),
            ReferenceKind.Key or ReferenceKind.KeyItself when !hasKeys => (Element, place),
            ReferenceKind.Element => (Element, place),
            ReferenceKind.Local => (Context, _text.String(TextOf(named))),
            ReferenceKind.Key => (Property, _text.String(TextOf(named).Trim('\''))),
            ReferenceKind.KeyItself => (Internal, _text.String($"key {TextOf(named)}")),
            _ => (Property, _text.String(TextOf(named))),
        };
    }

    private string TextOf(in ReferencePlace place) => _references.NameOf(place).Text;

    private void Edge(int type, long name, int node) => _text.Numbers(type, name, (long)node * FieldsOfNode);

    private void Sites(Func<int, SnapshotSite> siteOf)
    {
        _text.Begin("],\n\"trace_function_infos\":["u8);
        foreach (var (site, place) in _sites.OrderBy(site => site.Value))
        {
            var line = siteOf(site);
            _text.Numbers(place, _text.String(line.Function), _text.String(line.File), _text.String(line.File), line.Line, 0);
        }

        _text.Raw("],\n\"trace_tree\":[0,0,0,0,[");
        for (var i = 0; i < _sums.Count; i++)
            _text.Raw(string.Create(CultureInfo.InvariantCulture, $"{(i > 0 ? ",\n" : "")}{i + 1},{i},{_sums[i].Blocks},{_sums[i].Bytes},[]"));

        _text.Raw("]");
    }

    private int TypeOf(int block) => !_graph.Types.IsObject(block) ? Native : _graph.TypeOfObject(block) switch
    {
        { Kind: ObjectKind.Text } => Text,
        { Kind: ObjectKind.List or ObjectKind.Tuple } => Array,
        { Kind: ObjectKind.Function } => Closure,
        { Kind: ObjectKind.Code } => Code,
        { Kind: ObjectKind.Pattern } => Pattern,
        { Kind: ObjectKind.Atom, Name: "int" or "float" } => Number,
        _ => Object,
    };

    /// <summary>Returns the name of a node as a string of the file.</summary>
    private int NameOf(int block)
    {
        var kind = _graph.KindOf(block);
        if (kind != BlockKind.Object)
            return _text.String(kind == BlockKind.Buffer ? $"shared buffer of {_graph.Values.NameOf(_graph.TypeReader.All[_graph.TypeOf(block)])}" : "C memory");

        var (type, address) = (_graph.TypeOfObject(block), _graph.Target.AddressOf(block));
        if (type.Kind == ObjectKind.Function)
            return _text.String($"function {_graph.Values.Text(_graph.Memory.Word(address, _graph.Build.Layout["function.qualname"])) ?? "?"}");

        if (type.Kind == ObjectKind.Type && _graph.TypeReader.Find(address) is { } described)
            return _text.String($"class {_graph.Values.NameOf(described)}");

        if (!_typeNames.TryGetValue(type.Number, out var name))
            _typeNames.Add(type.Number, name = _text.String(_graph.Values.NameOf(type).ToString()));

        return name;
    }
}
