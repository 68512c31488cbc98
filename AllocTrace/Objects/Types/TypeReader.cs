namespace AllocTrace.Objects;

/// <summary>
/// Finds the types of an image. A word is the address of a type only if everything says so: the type is ready, its sizes are possible, and its type, the
/// type of that and so on are types of types, up to <c>type</c>, which is its own type.
/// </summary>
internal sealed class TypeReader(PageReader memory, PythonBuild build)
{
    /// <summary>Deeper chains of metaclasses, or of bases, are no program's.</summary>
    private const int MostMetaclasses = 8, MostBases = 256;
    private const int RecentTypes = 1 << 8, MostTypes = 1 << 20, MostRefused = 1 << 20;
    private const long MostBasicBytes = 1 << 20, MostItemBytes = 1 << 12;

    private readonly Dictionary<ulong, ObjectType> _types = [];
    private readonly HashSet<ulong> _refused = [];
    private readonly List<ObjectType> _all = [];
    private readonly ObjectLayout _layout = build.Layout;

    /// <summary>The types that were found last, by some bits of their address.</summary>
    private readonly ObjectType?[] _recent = new ObjectType?[RecentTypes];

    /// <summary>All types that were found, by number.</summary>
    public IReadOnlyList<ObjectType> All => _all;

    /// <summary>Returns the type at an address, or <see langword="null"/> when no type is there.</summary>
    public ObjectType? Find(ulong address)
    {
        if (FindKnown(address) is { } known)
            return known;

        return (address & 7) != 0 || address is < 0x1000 or >= 1UL << 47 ? null : Find(address, 0);
    }

    /// <summary>Returns the type at an address if it was found before. Reads no memory.</summary>
    public ObjectType? FindKnown(ulong address)
    {
        ref var recent = ref _recent[(address >> 4 ^ address >> 12) & (RecentTypes - 1)];
        if (recent is { } type && type.Address == address)
            return type;

        if (!_types.TryGetValue(address, out var known))
            return null;

        return recent = known;
    }

    /// <summary>Returns the type of the object at an address, or <see langword="null"/> when no object is there.</summary>
    public ObjectType? TypeOf(ulong instance) => instance == 0 ? null : Find(memory.Word(instance, _layout.TypeWord));

    private ObjectType? Find(ulong address, int depth)
    {
        if (_types.TryGetValue(address, out var known))
            return known;

        if (depth > MostMetaclasses || _all.Count >= MostTypes || (address & 7) != 0 || _refused.Contains(address))
            return null;

        if (_refused.Count >= MostRefused)
            _refused.Clear();

        _refused.Add(address); // while it is examined: a chain that comes back here is refused
        if (Read(address, depth) is not { } type)
            return null;

        _refused.Remove(address);
        _types.Add(address, type);
        _all.Add(type);
        return type;
    }

    private ObjectType? Read(ulong address, int depth)
    {
        Span<byte> bytes = stackalloc byte[512];
        bytes = bytes[.._layout.TypeBytes];
        if (!memory.TryRead(address, bytes))
            return null;

        var (flags, basic, item) = (BitConverter.ToUInt32(bytes[_layout.TypeFlags..]), BitConverter.ToInt64(bytes[_layout.TypeBasic..]), BitConverter.ToInt64(bytes[_layout.TypeItem..]));
        if ((flags & ObjectType.Ready) == 0 || basic < _layout.ObjectBytes || basic > MostBasicBytes || item is < 0 or > MostItemBytes)
            return null;

        var meta = BitConverter.ToUInt64(bytes[_layout.TypeWord..]);
        var metatype = meta == address ? null : Find(meta, depth + 1);
        if (meta != address && (metatype is null || !metatype.Is(ObjectType.Type)))
            return null;

        var name = memory.CString(BitConverter.ToUInt64(bytes[_layout.TypeName..]));
        if (string.IsNullOrEmpty(name) || (metatype is null && name != "type"))
            return null;

        return new ObjectType
        {
            Number = _all.Count,
            Address = address,
            Name = name,
            Flags = flags,
            Kind = KindOf(address, name, flags),
            HeaderBytes = HeaderBytes(flags),
            BasicBytes = basic,
            ItemBytes = item,
            WeakListOffset = BitConverter.ToInt64(bytes[_layout["type.weak_list"]..]),
            DictOffset = BitConverter.ToInt64(bytes[_layout["type.dict_offset"]..]),
            Metatype = metatype,
        };
    }

    /// <summary>_PyType_PreHeaderSize: two words before the collector's header for a managed dict (from 3.11 on) or weak references (from 3.12 on).</summary>
    private int HeaderBytes(uint flags)
    {
        var managed = build.Minor >= 12 ? ObjectType.ManagedDict | ObjectType.ManagedWeakReference : build.Minor == 11 ? ObjectType.ManagedDict : 0;
        return ((flags & ObjectType.Collected) != 0 ? _layout.GcBytes : 0) + ((flags & managed) != 0 ? 16 : 0);
    }

    private ObjectKind KindOf(ulong address, string name, uint flags)
    {
        var byFlag = flags switch
        {
            _ when (flags & ObjectType.Type) != 0 => ObjectKind.Type,
            _ when (flags & ObjectType.Dict) != 0 => ObjectKind.Dict,
            _ when (flags & ObjectType.List) != 0 => ObjectKind.List,
            _ when (flags & ObjectType.Tuple) != 0 => ObjectKind.Tuple,
            _ when (flags & ObjectType.Text) != 0 => ObjectKind.Text,
            _ when (flags & ObjectType.Exception) != 0 => ObjectKind.Exception,
            _ => ObjectKind.Other,
        };
        if (byFlag != ObjectKind.Other)
            return byFlag;

        // A class may have the name of a builtin type; what C defines is static, or has its module in the name.
        if (((flags & ObjectType.Heap) == 0 || name.Contains('.')) && KindOf(name) is var kind and not ObjectKind.Other)
            return kind;

        for (var (next, depth) = (memory.Word(address, _layout.TypeBase), 0); next != 0 && depth < MostBases; next = memory.Word(next, _layout.TypeBase), depth++)
        {
            var isHeap = ((uint)memory.Word(next, _layout.TypeFlags) & ObjectType.Heap) != 0;
            if (memory.CString(memory.Word(next, _layout.TypeName)) is { } inherited && (!isHeap || inherited.Contains('.'))
                && KindOf(inherited) is ObjectKind.Set or ObjectKind.Deque or ObjectKind.WeakReference or ObjectKind.Module or ObjectKind.DataBuffer or ObjectKind.NumpyArray or ObjectKind.ThreadLocal)
                return KindOf(inherited);
        }

        return ObjectKind.Other;
    }

    private static ObjectKind KindOf(string name) => name switch
    {
        "int" or "float" or "bytes" or "bool" or "complex" => ObjectKind.Atom,
        "set" or "frozenset" => ObjectKind.Set,
        "collections.deque" => ObjectKind.Deque,
        "code" => ObjectKind.Code,
        "function" => ObjectKind.Function,
        "method" => ObjectKind.Method,
        "cell" => ObjectKind.Cell,
        "module" => ObjectKind.Module,
        "frame" => ObjectKind.Frame,
        "generator" or "coroutine" or "async_generator" => ObjectKind.Generator,
        "traceback" => ObjectKind.Traceback,
        "weakref" or "weakproxy" or "weakcallableproxy" or "weakref.ReferenceType" or "weakref.ProxyType" or "weakref.CallableProxyType" => ObjectKind.WeakReference,
        "functools._lru_cache_wrapper" => ObjectKind.LruCache,
        "functools._lru_list_elem" => ObjectKind.LruLink,
        "memoryview" => ObjectKind.MemoryView,
        "re.Pattern" or "re.Match" => ObjectKind.Pattern,
        "numpy.ndarray" => ObjectKind.NumpyArray,
        "decimal.Decimal" => ObjectKind.Decimal,
        "ContextVar" or "_contextvars.ContextVar" => ObjectKind.ContextVariable,
        "_thread._local" => ObjectKind.ThreadLocal,
        "_thread._localdummy" => ObjectKind.LocalDummy,
        "_thread.lock" or "_thread.RLock" => ObjectKind.Lock,
        "member_descriptor" or "bytearray" or "array.array" or "_io.BufferedReader" or "_io.BufferedWriter" or "_io.BufferedRandom" or "_io.StringIO" => ObjectKind.DataBuffer,
        _ => ObjectKind.Other,
    };
}
