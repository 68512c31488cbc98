using System.Runtime.CompilerServices;

namespace AllocTrace.Objects;

/// <summary>
/// Finds the object in each block, and the kinds of the buffers of lists, dicts, sets and deques. An object begins at 0, 16 or 32 in its
/// block, as the flags of its own type say.
/// </summary>
internal sealed unsafe class ObjectScan
{
    /// <summary>A dict of interned strings has at least this many, all of them key and value at once.</summary>
    private const long FewestInterned = 200;
    private const int InternedLookedAt = 50;

    private readonly IMemoryImage _image;
    private readonly BlockList _blocks;
    private readonly BlockIndex _index;
    private readonly PageReader _memory;
    private readonly TypeReader _types;
    private readonly ObjectLayout _layout;
    private readonly BlockTypes _found;
    private readonly List<int> _largeDicts = [];

    private ObjectScan(IMemoryImage image, BlockList blocks, BlockIndex index, PageReader memory, TypeReader types, ObjectLayout layout)
    {
        (_image, _blocks, _index, _memory, _types, _layout) = (image, blocks, index, memory, types, layout);
        _found = new BlockTypes(blocks.Length);
    }

    public static BlockTypes Run(IMemoryImage image, BlockList blocks, BlockIndex index, PageReader memory, TypeReader types, ValueReader values, ObjectLayout layout)
    {
        var scan = new ObjectScan(image, blocks, index, memory, types, layout);
        scan.Run();
        scan.FindInterned(values);
        return scan._found;
    }

    private void Run()
    {
        using var window = new BlockWindow(_image, _blocks);
        for (var i = 0; i < _blocks.Length; i++)
        {
            if (_blocks.DomainOf(i) != ImageBlock.ObjectDomain || _blocks.BytesOf(i) < _layout.ObjectBytes)
                continue;

            var start = window.Prefix(i, out var length);
            if (start == null || Match(start, length, _blocks.BytesOf(i), out var header, out var isDead) is not { } type)
                continue;

            _found.SetObject(i, type.Number, header, isDead);
            _found.Counts[i] = CountOf(start + header);
            if (isDead)
                continue;

            NoteBuffers(i, type, start + header, length - header);
            if (_layout.Minor is 11 or 12 && type.Is(ObjectType.ManagedDict))
                NoteManagedValues(start + header - _layout.GcBytes - 8);
        }
    }

    /// <summary>Returns the type of the object in a block.</summary>
    private ObjectType? Match(byte* start, int length, long bytes, out int header, out bool isDead)
    {
        for (header = 0; header <= 32 && header + _layout.ObjectBytes <= length; header += 16)
        {
            var instance = start + header;
            if (TypeAt(Word(instance, _layout.TypeWord)) is not { } type || type.HeaderBytes != header || SmallestBytes(type) + header > bytes)
                continue;

            if (!IsCount(instance, out isDead))
                continue;

            // Free lists hold objects of builtin types only. Anything else without an owner looks like an object and is none: the hash of {id(a_class): …}.
            if ((isDead && type.IsHeap) || (type.Is(ObjectType.Collected) && _layout.GcBytes != 0 && !IsLink(Word(instance, -_layout.GcBytes))))
                continue;

            return type;
        }

        isDead = false;
        return null;
    }

    /// <summary>
    /// Returns the type at an address. Most words that lead to no type are links of the collector, to the block of some other object: a type that is allocated
    /// is not in a block that is smaller than a type.
    /// </summary>
    private ObjectType? TypeAt(ulong address)
    {
        if (_types.FindKnown(address) is { } known)
            return known;

        var block = _index.Find(address);
        return block >= 0 && _blocks.BytesOf(block) < _layout.TypeBytes ? null : _types.Find(address);
    }

    /// <summary>Returns the bytes that an instance has at least: a datetime without a time zone, and a compact string, are smaller than their type says.</summary>
    private long SmallestBytes(ObjectType type) => type.Is(ObjectType.Text) && type.ItemBytes == 0 ? _layout.ObjectBytes + 24 : type.BasicBytes - 16;

    /// <summary>Returns whether the word in an object's head can be a reference count.</summary>
    /// <param name="instance">The object.</param>
    /// <param name="isDead">True if the object is on a free list, and nothing refers to it.</param>
    private bool IsCount(byte* instance, out bool isDead)
    {
        if (_layout.IsFreeThreaded)
        {
            isDead = *(uint*)(instance + _layout.CountWord) == 0 && (long)Word(instance, _layout.SharedCount) >> 2 == 0;
            return true;
        }

        var count = Word(instance, 0);
        isDead = _layout.Minor switch
        {
            >= 14 => (uint)count == 0 || (count >> 32 & 0xffff) != 0, // a link in place of count and flags
            >= 12 => count == 0 || count >> 32 != 0,
            _ => count == 0,
        };
        return _layout.Minor >= 12 || count >> 32 == 0;
    }

    /// <summary>Returns whether a word can be <c>_gc_next</c>: an address with flags in its low bits, or 0.</summary>
    private static bool IsLink(ulong word) => word >> 47 == 0 && (word & ~7UL) is 0 or >= 0x1000;

    private int CountOf(byte* instance)
    {
        if (_layout.IsFreeThreaded)
            return FreeThreadedCountOf(instance);

        var count = (int)Word(instance, 0);
        return _layout.Minor >= 12 && count < 0 ? int.MaxValue : count; // PEP 683: immortal
    }

    /// <summary>
    /// Returns the sum of the part that the owning thread counts and of the part that others count (Py_REFCNT). Immortal objects and those with deferred counts
    /// (types, functions, modules, code: _PyGC_BITS_DEFERRED, before the owner's part) have no count that says who holds them.
    /// </summary>
    private int FreeThreadedCountOf(byte* instance)
    {
        const byte Deferred = 1 << 6;
        var (own, shared) = (*(uint*)(instance + _layout.CountWord), (long)Word(instance, _layout.SharedCount) >> 2);
        return own == uint.MaxValue || (instance[_layout.CountWord - 1] & Deferred) != 0 || shared is < int.MinValue or > int.MaxValue
            ? int.MaxValue
            : (int)Math.Clamp(own + shared, 0, int.MaxValue - 1);
    }

    private void NoteBuffers(int block, ObjectType type, byte* instance, int length)
    {
        switch (type.Kind)
        {
            case ObjectKind.Dict when length >= _layout.DictValues + 8:
                Note(Word(instance, _layout.DictKeys), BufferForm.Keys);
                if (_layout.Minor >= 11)
                    NoteValues(Word(instance, _layout.DictValues));
                if ((long)Word(instance, _layout.DictUsed) >= FewestInterned)
                    _largeDicts.Add(block);
                break;
            case ObjectKind.Set when length >= _layout.SetSmall:
                Note(Word(instance, _layout.SetTable), BufferForm.SetTable);
                break;
            case ObjectKind.List when length >= _layout.ListItems + 8:
                NoteItems(Word(instance, _layout.ListItems), Math.Clamp((long)Word(instance, _layout.SizeWord), 0, int.MaxValue - 1));
                break;
            case ObjectKind.Deque when length >= _layout.SizeWord + 40:
                NoteDeque(instance);
                if (_layout.Minor >= 12) // {…, state, maximum, number of free blocks, 16 free blocks, …}: what is in these is stale
                    NoteEach(instance, _layout.SizeWord + 64, Math.Min(length, _layout.SizeWord + 64 + (16 * 8)), BufferForm.Data);
                break;
            case ObjectKind.Type when type.HeaderBytes + _layout.HeapTypeKeys + 8 <= _blocks.BytesOf(block):
                Note(_memory.Word(_blocks.AddressOf(block) + (ulong)(type.HeaderBytes + _layout.HeapTypeKeys)), BufferForm.Keys);
                break;
            case ObjectKind.Code when _layout.Minor <= 10 && type.WeakListOffset > 0:
                NoteEach(instance, (int)type.WeakListOffset + 8, length, BufferForm.Borrowed); // caches of global names
                break;
            case ObjectKind.NumpyArray when length >= _layout.ObjectBytes + NumpyFields.FieldBytes && !HasReferences(Word(instance, _layout.ObjectBytes + NumpyFields.DescriptionField)):
                Note(Word(instance, _layout.ObjectBytes), BufferForm.Data);
                break;
            case ObjectKind.DataBuffer or ObjectKind.Lock:
                NoteEach(instance, _layout.ObjectBytes, (int)Math.Min(length, type.BasicBytes), BufferForm.Data);
                break;
        }
    }

    /// <summary>Notes the items of a list. Without the GIL, their number comes before them in their block (_PyListArray, Objects/listobject.c).</summary>
    private void NoteItems(ulong address, long count)
    {
        if (_layout.IsFreeThreaded)
            Note(address - 8, BufferForm.Items, (int)count + 1);
        else
            Note(address, BufferForm.Items, (int)count);
    }

    /// <summary>Notes the values of an instance: 3.11 has their address in a word of their own, 3.12 has it minus 1 in the place of the dict's.</summary>
    private void NoteManagedValues(byte* dict)
    {
        if (_layout.Minor == 11)
            NoteValues(Word(dict, -8));
        else if ((Word(dict, 0) & 1) != 0)
            NoteValues(Word(dict, 0) + 1);
    }

    /// <summary>
    /// Notes a buffer of values. In 3.11 and 3.12 their address is within their block, after the order in which they were set.
    /// </summary>
    private void NoteValues(ulong address)
    {
        if (_index.Find(address) is var block and >= 0)
            Note(block, BufferForm.Values, (int)(address - _blocks.AddressOf(block)));
    }

    /// <summary>Returns whether the items of a numpy array may be references: objects, or structures, which may have some.</summary>
    private bool HasReferences(ulong description) => NumpyFields.KindOf(_memory, _layout, description) is 'O' or 'V';

    private void NoteDeque(byte* instance)
    {
        var at = instance + _layout.SizeWord + 8; // leftblock, rightblock, leftindex, rightindex
        var (left, right, first, last) = (Word(at, 0), Word(at, 8), (int)Math.Min(Word(at, 16), DequeRange.Items), (int)Math.Clamp((long)Word(at, 24), -1, DequeRange.Items - 1));
        if (left == right)
        {
            Note(left, BufferForm.DequeEnd, new DequeRange(first, last, IsLeft: true, IsRight: true).Pack());
            return;
        }

        Note(left, BufferForm.DequeEnd, new DequeRange(first, DequeRange.Items - 1, IsLeft: true, IsRight: false).Pack());
        Note(right, BufferForm.DequeEnd, new DequeRange(0, last, IsLeft: false, IsRight: true).Pack());
    }

    private void NoteEach(byte* instance, int from, int to, BufferForm form)
    {
        for (var at = from; at + 8 <= to; at += 8)
            Note(Word(instance, at), form);
    }

    private void Note(ulong address, BufferForm form, int used = 0)
    {
        if (_index.Find(address) is var block and >= 0 && _blocks.AddressOf(block) == address)
            Note(block, form, used);
    }

    /// <summary>An object keeps its count in the same place. One that is found later takes the place over.</summary>
    private void Note(int block, BufferForm form, int used)
    {
        if (!_found.IsObject(block))
            (_found.Forms[block], _found.Used[block]) = (form, used);
    }

    /// <summary>The dict of interned strings, to 3.11 or of mortal ones, does not own its keys: their counts leave it out.</summary>
    private void FindInterned(ValueReader values)
    {
        foreach (var block in _largeDicts)
        {
            var dict = _blocks.AddressOf(block) + (ulong)_found.Header(block);
            var lookedAt = 0;
            var areSame = values.Items(dict).Take(InternedLookedAt).All(item => item.Key == item.Value && ++lookedAt > 0);
            if (!areSame || lookedAt < InternedLookedAt)
                continue;

            _found.SetQuiet(block);
            Note(_memory.Word(dict, _layout.DictKeys), BufferForm.Borrowed);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Word(byte* start, int offset) => Unsafe.ReadUnaligned<ulong>(start + offset);
}
