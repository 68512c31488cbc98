namespace AllocTrace.Objects;

/// <summary>
/// Paths from roots as text, merged: items of lists and of large dicts have the same path, and what repeats itself (a linked list) ends in "…". A path is a
/// number; equal paths have the same one.
/// </summary>
/// <param name="graph">The blocks.</param>
/// <param name="paths">The way to each block.</param>
/// <param name="isPrivate">True to leave out keys of dicts, which are data. Names of the program's code stay.</param>
internal sealed class PathTexts(HeapGraph graph, ShortestPaths paths, bool isPrivate) : IDisposable
{
    /// <summary>Longer paths, and more of them, end early.</summary>
    private const int MostParts = 48, MostPaths = 1 << 18;

    /// <summary>Tuples up to this length are records: each item has its number.</summary>
    private const int RecordItems = 8;

    /// <summary>The longest sequence of references that is noticed to repeat itself.</summary>
    private const int LongestPeriod = 4;

    private const int MadeKept = 1 << 10;

    private readonly ReferenceNames _names = new(graph);
    private readonly List<Part> _parts = [default];
    private readonly Dictionary<Part, int> _numbers = [];
    private readonly List<int> _depths = [0];
    private readonly Column<int> _paths = new(graph.Blocks.Length);
    private readonly List<int> _way = [];

    /// <summary>The paths that were made last: many objects have the same few paths.</summary>
    private readonly Made[] _made = new Made[MadeKept];

    /// <param name="Parent">The path before it; 0 for a root.</param>
    /// <param name="Name">The reference; of a root, its text.</param>
    /// <param name="HolderType">The type of the object that has the reference; of a root, its <see cref="RootKind"/>.</param>
    /// <param name="Repeats">True if the same references repeat.</param>
    private readonly record struct Part(int Parent, ReferenceName Name, int HolderType, bool Repeats);

    /// <param name="Holder">The path of the object that has the reference; 0 if nothing is kept here.</param>
    /// <param name="Type">The type of that object.</param>
    /// <param name="Name">The reference.</param>
    /// <param name="Path">The path that it leads to.</param>
    private readonly record struct Made(int Holder, int Type, ReferenceName Name, int Path)
    {
        public static int PlaceOf(int holder, int type, ReferenceName name) =>
            (holder * 31) + (type * 7) + (name.Text is [var first, .., var last] ? (name.Text.Length * 3) + first + (last * 5) : 0) & (MadeKept - 1);

        public bool Is(int holder, int type, ReferenceName name) => Holder == holder && Type == type && Name.Kind == name.Kind && ReferenceEquals(Name.Text, name.Text);
    }

    /// <summary>Makes the paths of all objects that are reached, holder by holder, so that each holder is looked at once.</summary>
    public void MakeAll()
    {
        foreach (var block in paths.Order)
        {
            if (graph.Types.IsObject(block))
                PathOf(block);
        }
    }

    /// <summary>Returns the path of an object that is reached, or of C memory.</summary>
    public int PathOf(int block)
    {
        _way.Clear();
        var at = block;
        for (; _paths[at] == 0 && paths.ParentOf(at) is var parent and >= 0; at = parent)
            _way.Add(at);

        if (_paths[at] == 0)
            _paths[at] = Root(at);

        for (var i = _way.Count - 1; i >= 0; i--)
        {
            _paths[_way[i]] = Child(_paths[at], at, _way[i]);
            at = _way[i];
        }

        return _paths[block];
    }

    /// <summary>Returns the kind of root at which a path begins.</summary>
    public RootKind RootOf(int path)
    {
        while (_parts[path].Parent != 0)
            path = _parts[path].Parent;

        return (RootKind)_parts[path].HolderType;
    }

    /// <summary>Returns the parts of a path, as <c>app.models</c>, <c>.CACHE</c>, <c>[*]</c>.</summary>
    public List<string> PartsOf(int path)
    {
        var way = new List<Part>();
        for (; path != 0; path = _parts[path].Parent)
            way.Add(_parts[path]);

        way.Reverse();
        var parts = new List<string>();
        for (var i = 0; i < way.Count; i++)
        {
            var name = way[i].Name;
            var before = i > 0 ? way[i - 1] : default;
            var isNamed = name.Kind == ReferenceKind.Key && name.Text.Length > 2 && i > 0;
            if (i == 0)
            {
                parts.Add(name.Text);
            }
            else if (isNamed && i == 1 && before.HolderType == (int)RootKind.Module)
            {
                parts.Clear();
                parts.Add(name.Text[1..^1]); // a module
            }
            else if (isNamed && before.Name.IsNamespace)
            {
                parts[^1] = before.Name.Kind == ReferenceKind.ThreadLocalDict ? $" thread-local {name.Text[1..^1]}" : $".{name.Text[1..^1]}"; // an attribute
            }
            else if (name.Kind == ReferenceKind.ThreadLocalDict)
            {
                parts[^1] += name.ToString();
            }
            else
            {
                parts.Add(name.ToString());
            }

            if (way[i].Repeats)
                parts[^1] += "…";
        }

        return parts;
    }

    public void Dispose() => _paths.Dispose();

    private int Root(int block)
    {
        var text = paths.IsReached(block) ? paths.Roots.NameOf(block) : "garbage";
        if (graph.Types.IsObject(block) && paths.Roots[block] is RootKind.Native or RootKind.None)
            text = $"{text}: {graph.Values.NameOf(graph.TypeOfObject(block))}";

        return Number(new Part(0, new ReferenceName(ReferenceKind.Attribute, text), (int)paths.Roots[block], Repeats: false));
    }

    private int Child(int path, int holder, int target)
    {
        if (!graph.Types.IsObject(holder))
            return path; // C memory says nothing of what it refers to

        var isNamespace = _parts[path].Name.IsNamespace || (_parts[path].Parent == 0 && _parts[path].HolderType == (int)RootKind.Module);
        var name = _parts[path].Name.Kind == ReferenceKind.ThreadLocals && graph.Types.IsObject(target) && graph.TypeOfObject(target).Kind == ObjectKind.Dict
            ? new ReferenceName(ReferenceKind.ThreadLocalDict, "")
            : _names.Between(holder, target, isNamespace);
        if (name.Kind == ReferenceKind.Index && (graph.TypeOfObject(holder).Kind != ObjectKind.Tuple || LengthOf(holder) > RecordItems))
            name = name.Any();

        if (isPrivate && !isNamespace)
            name = name.Any();

        var type = graph.Types[holder];
        ref var made = ref _made[Made.PlaceOf(path, type, name)];
        if (!made.Is(path, type, name))
            made = new Made(path, type, name, Extend(path, type, name));

        return made.Path;
    }

    /// <summary>Returns the path to what a reference of an object at the end of a path leads to.</summary>
    private int Extend(int path, int type, ReferenceName name)
    {
        var ancestor = path;
        for (var period = 1; period <= LongestPeriod && ancestor != 0; period++, ancestor = _parts[ancestor].Parent)
        {
            if (IsSame(ancestor) && (_parts[ancestor].Repeats || IsSame(Ancestor(ancestor, period))))
                return Repeated(ancestor);
        }

        return _depths[path] > MostParts || _parts.Count > MostPaths ? path : Number(new Part(path, name, type, Repeats: false));

        bool IsSame(int other) => other != 0 && _parts[other].Parent != 0 && _parts[other].Name == name && _parts[other].HolderType == type;
    }

    private long LengthOf(int tuple) => (long)graph.Memory.Word(graph.Target.AddressOf(tuple), graph.Build.Layout.SizeWord);

    private int Ancestor(int path, int distance)
    {
        for (; distance > 0 && path != 0; distance--)
            path = _parts[path].Parent;

        return path;
    }

    private int Repeated(int path) => _parts[path].Repeats ? path : Number(_parts[path] with { Repeats = true });

    private int Number(Part part)
    {
        if (_numbers.TryGetValue(part, out var number))
            return number;

        number = _parts.Count;
        _parts.Add(part);
        _depths.Add(_depths[part.Parent] + 1);
        _numbers.Add(part, number);
        return number;
    }
}
