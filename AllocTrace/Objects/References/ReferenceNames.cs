namespace AllocTrace.Objects;

/// <summary>
/// Names single references. A namespace is decoded once, however many of its references are asked for; a large container is not decoded at all, because
/// its items have no names worth telling apart.
/// </summary>
internal sealed class ReferenceNames(HeapGraph graph)
{
    /// <summary>A container with more items is one of many of a kind: its keys are not named.</summary>
    private const int MostNamedItems = 8;

    /// <summary>The largest number of slots of a small container, which may have had many items.</summary>
    private const int MostPlaces = 1 << 10;

    /// <summary>A namespace (a module, a class, an instance) is named in full up to this size.</summary>
    private const int MostNames = 1 << 16;

    /// <summary>The most names that are kept, in all.</summary>
    private const int MostKept = 1 << 20;

    private readonly ObjectReferences _references = new(graph);
    private readonly Dictionary<int, Dictionary<int, ReferenceName>> _kept = [];
    private readonly Dictionary<(int Holder, int Type), ReferenceName> _general = [];

    /// <summary>The references of the last small holder. Paths are made holder by holder.</summary>
    private readonly List<ReferencePlace> _small = [];
    private int _smallHolder = -1;
    private int _count;

    /// <summary>Returns the name of the reference from one object to another object or its buffer.</summary>
    /// <param name="holder">The object that refers.</param>
    /// <param name="target">The block that it refers to.</param>
    /// <param name="isNamespace">True if the holder is a dict of attributes.</param>
    public ReferenceName Between(int holder, int target, bool isNamespace)
    {
        var items = _references.ItemsOf(holder);
        if (items > (isNamespace ? MostNames : MostNamedItems))
            return General(holder, target);

        if (items <= MostNamedItems)
            return Small(holder, target) ?? Fallback(holder, target);

        if (!_kept.TryGetValue(holder, out var names))
            names = Decode(holder);

        return names.TryGetValue(target, out var name) ? name : Fallback(holder, target);
    }

    /// <summary>Most objects have few references, and are asked for all of them one after another.</summary>
    private ReferenceName? Small(int holder, int target)
    {
        if (_smallHolder != holder)
        {
            _small.Clear();
            _references.Visit(holder, _small.Add, MostPlaces);
            _smallHolder = holder;
        }

        var wanted = graph.Target.AddressOf(target);
        foreach (var place in _small)
        {
            if (place.Target == wanted)
                return _references.NameOf(place);
        }

        return null;
    }

    private Dictionary<int, ReferenceName> Decode(int holder)
    {
        if (_count > MostKept)
        {
            _kept.Clear();
            _count = 0;
        }

        var names = new Dictionary<int, ReferenceName>();
        _references.Visit(holder, Add, 2 * MostNames);
        _kept.Add(holder, names);
        _count += names.Count + 1;
        return names;

        void Add(ReferencePlace place)
        {
            if (graph.Target.FindObject(place.Target) is var block and >= 0 && !names.ContainsKey(block))
                names.Add(block, _references.NameOf(place));
        }
    }

    /// <summary>Returns the name of any item of a large container. What has the type of a key and of no value is a key.</summary>
    private ReferenceName General(int holder, int target)
    {
        switch (graph.TypeOfObject(holder).Kind)
        {
            case ObjectKind.Set:
                return new(ReferenceKind.Element, "");
            case ObjectKind.Dict:
                break;
            default:
                return new(ReferenceKind.Index, "");
        }

        var type = graph.Types[target];
        if (_general.TryGetValue((holder, type), out var name))
            return name;

        const int LookedAt = 1 << 12;
        var dict = graph.Target.AddressOf(holder);
        name = graph.Values.Items(dict, LookedAt).All(item => graph.TypeReader.TypeOf(item.Value)?.Number != type)
            && graph.Values.Items(dict, LookedAt).Any(item => graph.TypeReader.TypeOf(item.Key)?.Number == type)
                ? new(ReferenceKind.KeyItself, "") : new(ReferenceKind.Key, "");
        if (_general.Count > MostKept)
            _general.Clear();

        _general[(holder, type)] = name;
        return name;
    }

    /// <summary>Returns the name of a reference that no rule names: the class, or the type of the target.</summary>
    private ReferenceName Fallback(int holder, int target)
    {
        if (!graph.Types.IsObject(target))
            return new(ReferenceKind.Unnamed, "buffer");

        if (graph.TypeOfObject(holder).Address == graph.Target.AddressOf(target))
            return ReferenceName.Attribute("__class__");

        return new(ReferenceKind.Unnamed, graph.Values.NameOf(graph.TypeOfObject(target)).QualifiedName);
    }
}
