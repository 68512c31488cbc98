using System.Globalization;
using System.Text;

namespace AllocTrace.Objects;

/// <summary>Reads the values that names are made of: strings, small integers, and the entries of dicts.</summary>
internal sealed class ValueReader(PageReader memory, TypeReader types, PythonBuild build)
{
    /// <summary>Longer strings are no names.</summary>
    private const int MostCharacters = 1 << 12;

    /// <summary>The most entries that a walk over a dict visits.</summary>
    private const long MostEntries = 1 << 26;

    private readonly ObjectLayout _layout = build.Layout;
    private readonly Dictionary<int, TypeName> _names = [];

    /// <summary>Returns the string at an address, or <see langword="null"/> when no str of a reasonable length is there.</summary>
    public string? Text(ulong address)
    {
        if (types.TypeOf(address) is not { } type || !type.Is(ObjectType.Text))
            return null;

        var frames = build.Frames;
        var (length, state) = ((long)memory.Word(address, frames.TextLength), (uint)memory.Int32(address + (ulong)frames.TextState));
        var (width, isCompact, isAscii) = ((int)(state >> frames.KindShift & 7), (state >> frames.KindShift + 3 & 1) != 0, (state >> frames.KindShift + 4 & 1) != 0);
        if (length is < 0 or > MostCharacters || width is not (1 or 2 or 4))
            return null;

        var data = isCompact ? address + (ulong)(isAscii ? frames.AsciiData : frames.CompactData) : memory.Word(address, frames.CompactData);
        var bytes = new byte[length * width];
        if (!memory.TryRead(data, bytes))
            return null;

        return (width switch { 1 => Encoding.Latin1, 2 => Encoding.Unicode, _ => Encoding.UTF32 }).GetString(bytes);
    }

    /// <summary>Returns the integer at an address if it has one digit (30 bits) at most.</summary>
    public string? SmallInt(ulong address)
    {
        if (types.TypeOf(address) is not { } type || !type.Is(ObjectType.Int))
            return null;

        var digit = (long)(memory.Int32(address + (ulong)_layout["int.digits"]) & 0x3fffffff);
        if (_layout["int.tag"] is var tag and not 0)
        {
            var word = memory.Word(address, tag); // digits << 3, with the sign in two bits: 0 positive, 1 zero, 2 negative
            return word >> 3 > 1 ? null : ((word & 3) switch { 1 => 0, 2 => -digit, _ => digit }).ToString(CultureInfo.InvariantCulture);
        }

        var size = (long)memory.Word(address, _layout.SizeWord);
        return size is < -1 or > 1 ? null : (size * digit).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Returns the entries of a dict as addresses of keys and values.</summary>
    /// <param name="dict">The address of the dict.</param>
    /// <param name="most">The most entries that are looked at, deleted ones included.</param>
    public IEnumerable<(ulong Key, ulong Value)> Items(ulong dict, long most = MostEntries) => Items(memory.Word(dict, _layout.DictKeys), memory.Word(dict, _layout.DictValues), most);

    /// <summary>Returns the entries of a table of keys, with the values in it or, for instances that share the keys, beside it.</summary>
    /// <param name="keys">The address of the keys.</param>
    /// <param name="values">The address of the values; 0 when they are with the keys.</param>
    /// <param name="most">The most entries that are looked at.</param>
    public IEnumerable<(ulong Key, ulong Value)> Items(ulong keys, ulong values, long most)
    {
        if (keys == 0 || DictKeysTable.Read(memory, _layout, keys) is not { } table)
            yield break;

        var first = values + (ulong)_layout.ValuesFirst;
        for (long i = 0; i < Math.Min(table.Entries, most); i++)
        {
            var entry = keys + (ulong)(table.FirstEntry + (i * table.EntryBytes) + table.EntryBytes - 16);
            var (key, value) = (memory.Word(entry), values != 0 ? memory.Word(first + (ulong)(i * 8)) : memory.Word(entry + 8));
            if (key != 0 && value != 0)
                yield return (key, value);
        }
    }

    /// <summary>Returns the value of a name in a dict; 0 when it is not there.</summary>
    public ulong Value(ulong dict, string name)
    {
        const int MostNames = 1 << 16;
        foreach (var (key, value) in Items(dict, MostNames))
        {
            if (Text(key) == name)
                return value;
        }

        return 0;
    }

    /// <summary>Returns the module and the qualified name of a type.</summary>
    public TypeName NameOf(ObjectType type)
    {
        if (!_names.TryGetValue(type.Number, out var name))
            _names.Add(type.Number, name = ReadName(type));

        return name;
    }

    private TypeName ReadName(ObjectType type)
    {
        var dot = type.Name.LastIndexOf('.');
        var byName = dot > 0 ? new TypeName(type.Name[..dot], type.Name[(dot + 1)..]) : new TypeName(TypeName.Builtins, type.Name);
        if (!type.IsHeap)
            return byName;

        var qualified = Text(memory.Word(type.Address, _layout.HeapTypeQualname)) ?? byName.QualifiedName;
        return new TypeName(Text(Value(memory.Word(type.Address, _layout.TypeDict), "__module__")) ?? byName.Module, qualified);
    }
}
