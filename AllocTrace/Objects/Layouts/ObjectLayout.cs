using System.Globalization;

namespace AllocTrace.Objects;

/// <summary>
/// The offsets in objects of a CPython, in bytes: a row of layouts.txt, which tests/AllocTrace.Native.Tests/offsets/object_layout.c prints when it is
/// compiled with that CPython's headers.
/// </summary>
internal sealed class ObjectLayout
{
    private static readonly Lazy<ObjectLayout[]> _all = new(() => [.. Table().TrimEnd('\n').Split('\n').Select(line => new ObjectLayout(line))]);

    private readonly Dictionary<string, int> _members = [];
    private readonly List<(string Member, int Position)> _published = [];

    private ObjectLayout(string line)
    {
        foreach (var member in line.Split(' ')[1..])
        {
            var parts = member.Split('=', '@');
            _members.Add(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture));
            if (parts.Length > 2)
                _published.Add((parts[0], int.Parse(parts[2], CultureInfo.InvariantCulture)));
        }

        (Minor, IsFreeThreaded) = (this["minor"], this["free_threaded"] != 0);
        (ObjectBytes, TypeWord, CountWord, SharedCount, GcBytes, SizeWord) =
            (this["object.bytes"], this["object.type"], this["object.count"], this["object.shared_count"], this["gc.bytes"], this["object.size"]);
        (TypeName, TypeBasic, TypeItem, TypeFlags, TypeBytes) = (this["type.name"], this["type.basic"], this["type.item"], this["type.flags"], this["type.bytes"]);
        (TypeBase, TypeDict, TypeMembers) = (this["type.base"], this["type.dict"], this["type.members"]);
        (HeapTypeSlots, HeapTypeQualname, HeapTypeKeys, HeapTypeBytes) =
            (this["heap_type.slots"], this["heap_type.qualname"], this["heap_type.cached_keys"], this["heap_type.bytes"]);
        (ListItems, TupleItems, DictUsed, DictKeys, DictValues) = (this["list.items"], this["tuple.items"], this["dict.used"], this["dict.keys"], this["dict.values"]);
        (SetMask, SetTable, SetSmall, SetBytes) = (this["set.mask"], this["set.table"], this["set.small"], this["set.bytes"]);
        (KeysIndexBytes, KeysKind, KeysEntries, KeysIndices, ValuesFirst) =
            (this["keys.index_bytes"], this["keys.kind"], this["keys.entries"], this["keys.indices"], this["values.first"]);
        (FrameLocals, FrameTop, FrameLocalsDict, GeneratorFrame) = (this["frame.locals"], this["frame.top"], this["frame.locals_dict"], this["generator.frame"]);
        InterpreterModules = this["interpreter.modules"];
    }

    public int Minor { get; }

    public bool IsFreeThreaded { get; }

    public int ObjectBytes { get; }

    public int TypeWord { get; }

    public int CountWord { get; }

    /// <summary>The offset of the count that other threads change, without the GIL; 0 if there is none.</summary>
    public int SharedCount { get; }

    /// <summary>The header of the garbage collector before an object; 0 without the GIL.</summary>
    public int GcBytes { get; }

    /// <summary>The length of an object of variable size.</summary>
    public int SizeWord { get; }

    public int TypeName { get; }

    public int TypeBasic { get; }

    public int TypeItem { get; }

    public int TypeFlags { get; }

    public int TypeBytes { get; }

    public int TypeBase { get; }

    public int TypeDict { get; }

    public int TypeMembers { get; }

    public int HeapTypeSlots { get; }

    public int HeapTypeQualname { get; }

    public int HeapTypeKeys { get; }

    public int HeapTypeBytes { get; }

    public int ListItems { get; }

    public int TupleItems { get; }

    public int DictUsed { get; }

    public int DictKeys { get; }

    public int DictValues { get; }

    public int SetMask { get; }

    public int SetTable { get; }

    public int SetSmall { get; }

    public int SetBytes { get; }

    /// <summary>From 3.11 on, where the binary logarithm of the index's bytes is; 0: the index follows from the number of slots.</summary>
    public int KeysIndexBytes { get; }

    public int KeysKind { get; }

    public int KeysEntries { get; }

    public int KeysIndices { get; }

    public int ValuesFirst { get; }

    public int FrameLocals { get; }

    public int FrameTop { get; }

    public int FrameLocalsDict { get; }

    public int GeneratorFrame { get; }

    public int InterpreterModules { get; }

    /// <summary>Any other member of the row.</summary>
    /// <exception cref="KeyNotFoundException">This CPython has no such member.</exception>
    public int this[string member] => _members[member];

    /// <summary>Returns the layout of a minor version of CPython 3, or <see langword="null"/> when it is not known.</summary>
    public static ObjectLayout? Find(int minor, bool freeThreaded) => _all.Value.SingleOrDefault(layout => layout.Minor == minor && layout.IsFreeThreaded == freeThreaded);

    /// <summary>Returns all rows as object_layout.c prints them.</summary>
    public static string Table()
    {
        using var reader = new StreamReader(typeof(ObjectLayout).Assembly.GetManifestResourceStream("object-layouts.txt")!);
        return reader.ReadToEnd();
    }

    /// <summary>Returns whether this CPython has a member.</summary>
    public bool Has(string member) => _members.ContainsKey(member);

    /// <summary>
    /// Returns the first member on which <c>_Py_DebugOffsets</c>, which 3.13 and later have at the start of <c>_PyRuntime</c>, differs from the row;
    /// <see langword="null"/> when there is none.
    /// </summary>
    public string? DifferenceFrom(ReadOnlySpan<byte> debugOffsets)
    {
        foreach (var (member, position) in _published)
        {
            if (position + sizeof(ulong) > debugOffsets.Length || BitConverter.ToUInt64(debugOffsets[position..]) != (ulong)this[member])
                return member;
        }

        return null;
    }
}
