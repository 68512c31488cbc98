namespace AllocTrace.Objects;

/// <summary>Names what an object refers to: the contents of containers, attributes, slots, fields of C, locals.</summary>
internal sealed class ObjectReferences(HeapGraph graph)
{
    /// <summary>The most references of one object that are named.</summary>
    private const int Most = 1 << 26;

    private const int MostMembers = 1 << 10, MostBases = 64, MostAttributes = 1 << 8;

    /// <summary>Fields of a PyMemberDef: {name, type, offset, flags, doc}; T_OBJECT and T_OBJECT_EX are the types of references.</summary>
    private const int MemberBytes = 40, MemberType = 8, MemberOffset = 16, PlainObject = 6, RequiredObject = 16;

    private const int MostKeyCharacters = 40;

    /// <summary>The most texts of keys that are kept: the same few names come again and again.</summary>
    private const int MostKeptKeys = 1 << 14;

    private static readonly (string, string)[] _typeFields =
        [("type.dict", ReferenceName.Dict), ("type.base", "__base__"), ("type.bases", "__bases__"), ("type.mro", "__mro__"), ("type.subclasses", "__subclasses__")];

    private static readonly (string, string)[] _functionFields =
    [
        ("function.dict", ReferenceName.Dict), ("function.closure", "__closure__"), ("function.defaults", "__defaults__"), ("function.keyword_defaults", "__kwdefaults__"),
        ("function.annotations", "__annotations__"), ("function.code", "__code__"), ("function.globals", "__globals__"),
    ];

    private static readonly (string, string)[] _methodFields = [("method.self", "__self__"), ("method.function", "__func__")];

    private static readonly (string, string)[] _cellFields = [("cell.content", "cell_contents")];

    private static readonly (string, string)[] _codeFields = [("code.constants", "co_consts"), ("code.names", "co_names")];

    private static readonly (string, string)[] _tracebackFields = [("traceback.next", "tb_next"), ("traceback.frame", "tb_frame")];

    private static readonly (string, string)[] _exceptionFields =
        [("exception.dict", ReferenceName.Dict), ("exception.args", "args"), ("exception.traceback", "__traceback__"), ("exception.context", "__context__"), ("exception.cause", "__cause__")];

    private readonly PageReader _memory = graph.Memory;
    private readonly ObjectLayout _layout = graph.Build.Layout;
    private readonly FrameScan _frames = new(graph.Memory, graph.TypeReader, graph.Build);
    private readonly Dictionary<int, List<(int Offset, string Name)>> _members = [];
    private readonly Dictionary<ulong, string> _keys = [], _attributes = [];

    /// <summary>Visits the references of an object by the address that they go to. The same address may come more than once.</summary>
    /// <param name="block">The object.</param>
    /// <param name="visit">Called for each: millions of objects are asked, most of them for a few references.</param>
    /// <param name="most">The most places of a container that are looked at.</param>
    public void Visit(int block, Action<ReferencePlace> visit, long most = Most)
    {
        var (address, type) = (graph.Target.AddressOf(block), graph.TypeOfObject(block));
        VisitContents(address, type, visit, most);
        if (type.Kind != ObjectKind.WeakReference)
            VisitAttributes(address, type, visit);
    }

    private void VisitContents(ulong address, ObjectType type, Action<ReferencePlace> visit, long most)
    {
        switch (type.Kind)
        {
            case ObjectKind.Dict:
                VisitItems(address, visit, most);
                break;
            case ObjectKind.List:
                VisitSequence(_memory.Word(address, _layout.ListItems), Math.Min(Length(address), most), visit);
                break;
            case ObjectKind.Tuple:
                VisitSequence(address + (ulong)_layout.TupleItems, Math.Min(Length(address), most), visit);
                break;
            case ObjectKind.Set:
                VisitElements(address, visit, most);
                break;
            case ObjectKind.Deque:
                VisitDeque(address, visit, most);
                break;
            case ObjectKind.NumpyArray:
                VisitArray(address, visit, most);
                break;
            case ObjectKind.ThreadLocal when type.WeakListOffset > 0:
                // Behind the list of weak references: {weak reference or sentinel of a thread: its dict} (localobject, Modules/_threadmodule.c).
                Report(visit, new(_memory.Word(address + (ulong)type.WeakListOffset + 8), ReferenceKind.ThreadLocals, "thread-locals"));
                break;
            case ObjectKind.Frame:
                VisitLocals(_layout.Minor >= 11 ? _memory.Word(address, _layout["frame_object.frame"]) : address, visit);
                break;
            case ObjectKind.Generator:
                VisitLocals(_layout.Minor >= 11 ? address + (ulong)_layout.GeneratorFrame : _memory.Word(address, _layout.GeneratorFrame), visit);
                break;
            case ObjectKind.Module:
                Report(visit, ReferencePlace.Attribute(_memory.Word(address, _layout.ObjectBytes), ReferenceName.Dict));
                break;
            default:
                foreach (var (member, name) in FieldsOf(type.Kind))
                    Report(visit, ReferencePlace.Attribute(_memory.Word(address, _layout[member]), name));
                break;
        }
    }

    /// <summary>Returns the fields that are references in the structure of a kind of object, as members of the layout with their names.</summary>
    private static ReadOnlySpan<(string Member, string Name)> FieldsOf(ObjectKind kind) => kind switch
    {
        ObjectKind.Type => _typeFields,
        ObjectKind.Function => _functionFields,
        ObjectKind.Method => _methodFields,
        ObjectKind.Cell => _cellFields,
        ObjectKind.Code => _codeFields,
        ObjectKind.Traceback => _tracebackFields,
        ObjectKind.Exception => _exceptionFields,
        _ => [],
    };

    private static void Report(Action<ReferencePlace> visit, ReferencePlace place)
    {
        if (place.Target != 0)
            visit(place);
    }

    /// <summary>Returns the number of items of a container; 0 for other objects.</summary>
    public long ItemsOf(int block)
    {
        var (address, type) = (graph.Target.AddressOf(block), graph.TypeOfObject(block));
        return type.Kind switch
        {
            ObjectKind.List or ObjectKind.Tuple or ObjectKind.Deque => Length(address),
            ObjectKind.Dict => Math.Max(0, (long)_memory.Word(address, _layout.DictUsed)),
            ObjectKind.Set => Math.Max(0, (long)_memory.Word(address, _layout.ObjectBytes + 8)),
            ObjectKind.NumpyArray => new NumpyFields(graph.Memory, _layout, address).References,
            _ => 0,
        };
    }

    /// <summary>Names a reference.</summary>
    public ReferenceName NameOf(in ReferencePlace place) => place.Kind switch
    {
        ReferenceKind.Index => ReferenceName.Index((long)place.Value),
        ReferenceKind.Key or ReferenceKind.KeyItself => new(place.Kind, KeyText(place.Value)),
        _ => new(place.Kind, place.Text ?? AttributeText(place.Value)),
    };

    private string AttributeText(ulong name)
    {
        if (_attributes.TryGetValue(name, out var known))
            return known;

        if (_attributes.Count >= MostKeptKeys)
            _attributes.Clear();

        return _attributes[name] = graph.Values.Text(name) ?? "?";
    }

    /// <summary>Returns a key of a dict as Python would write it, if it is short.</summary>
    private string KeyText(ulong key)
    {
        if (_keys.TryGetValue(key, out var known))
            return known;

        var text = graph.Values.Text(key) is { } value ? $"'{(value.Length > MostKeyCharacters ? value[..(MostKeyCharacters - 1)] + "…" : value)}'"
            : graph.Values.SmallInt(key) ?? (graph.TypeReader.TypeOf(key) is { } type ? $"<{graph.Values.NameOf(type)}>" : "?");
        if (_keys.Count >= MostKeptKeys)
            _keys.Clear();

        return _keys[key] = text;
    }

    private long Length(ulong address) => Math.Clamp((long)_memory.Word(address, _layout.SizeWord), 0, Most);

    private void VisitItems(ulong dict, Action<ReferencePlace> visit, long most)
    {
        foreach (var (key, value) in graph.Values.Items(dict, most))
        {
            visit(new(value, ReferenceKind.Key, null, key));
            visit(new(key, ReferenceKind.KeyItself, null, key));
        }
    }

    private void VisitSequence(ulong items, long count, Action<ReferencePlace> visit)
    {
        for (var i = 0L; i < count; i++)
            Report(visit, ReferencePlace.Item(_memory.Word(items + (ulong)(i * 8)), i));
    }

    /// <summary>An array of objects has them in its data, in the order of its dimensions; a view has what it is a view of.</summary>
    private void VisitArray(ulong address, Action<ReferencePlace> visit, long most)
    {
        var array = new NumpyFields(graph.Memory, _layout, address);
        Report(visit, ReferencePlace.Attribute(array.Base, "base"));
        VisitSequence(array.Data, Math.Min(array.References, most), visit);
    }

    private void VisitElements(ulong set, Action<ReferencePlace> visit, long most)
    {
        var (table, count) = (_memory.Word(set, _layout.SetTable), Math.Min(Math.Max(0, (long)_memory.Word(set, _layout.SetMask)) + 1, most));
        for (var i = 0L; i < count; i++)
            Report(visit, new(_memory.Word(table + (ulong)(i * 16)), ReferenceKind.Element, ""));
    }

    private void VisitDeque(ulong deque, Action<ReferencePlace> visit, long most)
    {
        var (block, index, count) = (_memory.Word(deque, _layout.SizeWord + 8), (int)Math.Min(_memory.Word(deque, _layout.SizeWord + 24), DequeRange.Items), Math.Min(Length(deque), most));
        for (var i = 0L; i < count && block != 0; i++)
        {
            if (index == DequeRange.Items)
                (block, index) = (_memory.Word(block, 8 + (DequeRange.Items * 8)), 0);

            Report(visit, ReferencePlace.Item(_memory.Word(block, 8 + (index++ * 8)), i));
        }
    }

    private void VisitLocals(ulong frame, Action<ReferencePlace> visit)
    {
        var code = _frames.CodeOf(frame);
        if (frame == 0 || !_frames.IsCode(code))
            return;

        var (first, names) = (frame + (ulong)_layout.FrameLocals, graph.Code.LocalsOf(code));
        for (var i = 0; i < names.Length; i++)
            Report(visit, ReferencePlace.Local(WithoutTags(_memory.Word(first + (ulong)(i * 8))), names[i]));

        Report(visit, ReferencePlace.Attribute(_memory.Word(frame, _layout.FrameLocalsDict), "f_locals"));
        if (_layout.Minor < 11)
            return;

        Report(visit, ReferencePlace.Attribute(WithoutTags(_memory.Word(frame, _layout["frame.function"])), "<function>"));
        var valid = _frames.ValidWords(frame, names.Length);
        for (var i = (long)names.Length; i < valid; i++)
            Report(visit, ReferencePlace.Attribute(WithoutTags(_memory.Word(first + (ulong)(i * 8))), "<stack>"));
    }

    private ulong WithoutTags(ulong word) => _layout.Minor >= 14 ? word & ~3UL : word;

    /// <summary>Visits the attributes of an object, which need not be in a block of the graph.</summary>
    public void VisitAttributes(ulong address, Action<ReferencePlace> visit)
    {
        if (graph.TypeReader.TypeOf(address) is { } type)
            VisitAttributes(address, type, visit);
    }

    private void VisitAttributes(ulong address, ObjectType type, Action<ReferencePlace> visit)
    {
        foreach (var (offset, name) in MembersOf(type))
            Report(visit, ReferencePlace.Attribute(_memory.Word(address, offset), name));

        if (type.Is(ObjectType.ManagedDict) && _layout.Minor >= 11)
            VisitManagedAttributes(address, type, visit);
        else if (DictWord(address, type) is var word and not 0)
            Report(visit, ReferencePlace.Attribute(_memory.Word(word), ReferenceName.Dict));
    }

    /// <summary>Visits the attributes that an instance keeps without a dict (from 3.11 on), and the dict if it has one.</summary>
    private void VisitManagedAttributes(ulong address, ObjectType type, Action<ReferencePlace> visit)
    {
        var (keys, dict) = (_memory.Word(type.Address, _layout.HeapTypeKeys), address - (ulong)(_layout.GcBytes + 8));
        var (word, values) = (_memory.Word(dict), 0UL);
        if (_layout.Minor == 11)
            values = _memory.Word(dict - 8);
        else if (_layout.Minor == 12 && (word & 1) != 0)
            (values, word) = (word + 1, 0);
        else if (type.Is(ObjectType.InlineValues) && address + (ulong)type.BasicBytes is var inline && (_memory.Word(inline) >> 24 & 0xff) != 0)
            values = inline;

        if (values != 0)
        {
            foreach (var (key, value) in graph.Values.Items(keys, values, MostAttributes))
                visit(new(value, ReferenceKind.Attribute, null, key));
        }

        Report(visit, ReferencePlace.Attribute(word, ReferenceName.Dict));
    }

    /// <summary>Returns the address of the word that has an instance's dict; 0 when it has none.</summary>
    private ulong DictWord(ulong address, ObjectType type)
    {
        if (type.DictOffset >= 0)
            return type.DictOffset > 0 && type.DictOffset < type.BasicBytes ? address + (ulong)type.DictOffset : 0;

        var size = type.BasicBytes + (Math.Min(Math.Abs(Math.Max((long)_memory.Word(address, _layout.SizeWord), -Most)), Most) * type.ItemBytes) + 7 & ~7L;
        return size + type.DictOffset > 0 ? address + (ulong)(size + type.DictOffset) : 0;
    }

    /// <summary>Returns the slots of a type and the fields that it describes to Python, with those of its bases.</summary>
    private List<(int Offset, string Name)> MembersOf(ObjectType type)
    {
        if (_members.TryGetValue(type.Number, out var members))
            return members;

        members = [];
        var at = type;
        for (var depth = 0; at is not null && depth < MostBases; depth++)
        {
            var (list, count) = at.IsHeap && _memory.Word(at.Address, _layout.HeapTypeSlots) != 0
                ? (at.Address + (ulong)(at.Metatype?.BasicBytes ?? _layout.HeapTypeBytes), Math.Min((long)_memory.Word(at.Address, _layout.SizeWord), MostMembers))
                : (_memory.Word(at.Address, _layout.TypeMembers), MostMembers);
            for (; count > 0 && list != 0 && _memory.Word(list) is var name and not 0; count--, list += MemberBytes)
            {
                var offset = (long)_memory.Word(list, MemberOffset);
                if (_memory.Int32(list + MemberType) is PlainObject or RequiredObject && offset > 0 && offset < type.BasicBytes && _memory.CString(name) is { Length: > 0 } text)
                    members.Add(((int)offset, text));
            }

            at = graph.TypeReader.Find(_memory.Word(at.Address, _layout.TypeBase));
        }

        _members.Add(type.Number, members);
        return members;
    }
}
