using AllocTrace.Stacks;

namespace AllocTrace.Objects;

/// <summary>
/// Finds the references of each block. Any aligned word that is the address of an object, or within a buffer, is a reference, unless the
/// structure of the type says otherwise: hashes, stale words, and borrowed references.
/// </summary>
internal sealed unsafe class ReferenceScan : IDisposable
{
    /// <summary>Larger buffers of an unknown kind are data: no more of them is searched for references.</summary>
    private const long MostUnknownBytes = 64 << 20;

    private readonly BlockList _blocks;
    private readonly BlockTypes _found;
    private readonly TypeReader _types;
    private readonly ObjectLayout _layout;
    private readonly ReferenceTarget _target;
    private readonly BlockWindow _window;
    private readonly BlockWords _words;
    private readonly FrameScan _frameScan;
    private readonly PythonLayout _frames;

    public ReferenceScan(IMemoryImage image, BlockList blocks, BlockTypes found, ReferenceTarget target, TypeReader types, PythonBuild build, PageReader memory)
    {
        (_blocks, _found, _types, _layout, _target) = (blocks, found, types, build.Layout, target);
        _window = new BlockWindow(image, blocks);
        _words = new BlockWords(image, target);
        (_frameScan, _frames) = (new FrameScan(memory, types, build), build.Frames);
    }

    /// <summary>Returns the nodes that a block refers to, valid until the next call. Blocks are asked for in ascending order.</summary>
    public ReadOnlySpan<int> References(int block)
    {
        if (_found.IsDead(block) || IsSilent(block))
            return default;

        var start = _window.Prefix(block, out var length);
        if (start == null)
            return default;

        _words.Begin(_blocks.AddressOf(block), _blocks.BytesOf(block), start, length);
        if (_found.IsQuiet(block))
            _words.Refer(_found.Header(block) + _layout.DictKeys); // it has a table, and borrows what is in it
        else if (_found.IsObject(block))
            Object(_types.All[_found[block]], _found.Header(block), _blocks.AddressOf(block) + (ulong)_found.Header(block));
        else
            Buffer(_found.Forms[block], _found.Used[block]);

        return _words.Found;
    }

    public void Dispose()
    {
        _words.Dispose();
        _window.Dispose();
    }

    /// <summary>Returns whether a block needs not even be read.</summary>
    private bool IsSilent(int block) => _found.IsObject(block)
        ? _types.All[_found[block]] is { Kind: ObjectKind.Atom, IsHeap: false }
        : _found.Forms[block] is BufferForm.Data or BufferForm.Borrowed;

    private void Buffer(BufferForm form, int used)
    {
        switch (form)
        {
            case BufferForm.Keys when DictKeysTable.HeaderBytes <= _words.Bytes:
                Keys();
                break;
            case BufferForm.SetTable:
                _words.ReferAll(0, _words.Bytes, step: 16);
                break;
            case BufferForm.Items:
                _words.ReferAll(0, used * 8L);
                break;
            case BufferForm.Values:
                Values(used);
                break;
            case BufferForm.DequeEnd:
                var range = DequeRange.Unpack(used);
                if (!range.IsLeft)
                    _words.Refer(0);
                _words.ReferAll(8 + (range.First * 8L), 8 + ((range.Last + 1) * 8L));
                if (!range.IsRight)
                    _words.Refer(8 + (DequeRange.Items * 8L));
                break;
            default:
                _words.ReferAll(0, Math.Min(_words.Bytes, MostUnknownBytes));
                break;
        }
    }

    /// <summary>
    /// Reports the values of an instance that shares its keys. The small numbers beside them are the order in which they were set.
    /// </summary>
    private void Values(int start)
    {
        if (_layout.Minor >= 13)
            _words.ReferAll(_layout.ValuesFirst, _layout.ValuesFirst + ((long)(_words.Word(0) & 0xff) * 8)); // {capacity, …}
        else
            _words.ReferAll(start, _words.Bytes);
    }

    private void Keys()
    {
        if (DictKeysTable.Parse(_words.Loaded(0, DictKeysTable.HeaderBytes), _layout) is not { } table)
            return;

        var end = table.FirstEntry + (Math.Min(table.Entries, _words.Bytes / table.EntryBytes) * table.EntryBytes);
        if (table.EntryBytes == 16)
        {
            _words.ReferAll(table.FirstEntry, end);
            return;
        }

        // {hash, key, value}
        _words.ReferAll(table.FirstEntry + 8, end, step: 24);
        _words.ReferAll(table.FirstEntry + 16, end, step: 24);
    }

    /// <param name="type">The object's type.</param>
    /// <param name="at">The offset of the object in its block.</param>
    /// <param name="address">The object's address.</param>
    private void Object(ObjectType type, int at, ulong address)
    {
        if (type.IsHeap)
            _words.Refer(at + _layout.TypeWord); // an instance owns its type if that is allocated

        if (type.Is(ObjectType.ManagedDict))
            ManagedDict(at);

        var weak = type.WeakListOffset > 0 ? at + type.WeakListOffset : long.MaxValue;
        if (!Special(type, at, address, weak))
            Usual(type, at, address, weak);
    }

    /// <summary>Follows an object whose words are not a range of references. Returns false if they are.</summary>
    private bool Special(ObjectType type, int at, ulong address, long weak)
    {
        var (from, end) = ((long)(at + _layout.ObjectBytes), _words.Bytes);
        switch (type.Kind)
        {
            case ObjectKind.Atom:
            case ObjectKind.LocalDummy: // a dict of the thread, which is borrowed
                return true;
            case ObjectKind.Code:
                Code(from, at, weak);
                return true;
            case ObjectKind.Frame:
                _frameScan.FrameObject(_words, at, address);
                return true;
            case ObjectKind.Generator when _layout.Minor >= 11:
                // Only coroutines set their origin: that of a generator is stale.
                _words.ReferAllBut(from, at + _layout.GeneratorFrame, weak, type.Name == "generator" ? at + _layout.GeneratorFrame - 16 : weak);
                _frameScan.Frame(_words, at + _layout.GeneratorFrame, address + (ulong)_layout.GeneratorFrame);
                return true;
            case ObjectKind.Decimal:
                _words.Refer(at + type.BasicBytes - 40); // its digits, if four words behind do not suffice
                return true;
            case ObjectKind.Lock:
                _words.Refer(from);
                return true;
            case ObjectKind.ContextVariable:
                _words.ReferAllBut(from, end, from + 16); // the cached value
                return true;
            case ObjectKind.WeakReference:
                _words.ReferAllBut(from, end, at + _layout["weakref.object"], at + _layout["weakref.previous"], at + _layout["weakref.next"], weak);
                return true;
            case ObjectKind.MemoryView:
                _words.ReferAllBut(from, Math.Min(end, at + type.BasicBytes - 8), at + _layout["memoryview.owner"], weak);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Follows an object whose words are references from some place on.</summary>
    private void Usual(ObjectType type, int at, ulong address, long weak)
    {
        var (from, end) = ((long)(at + _layout.ObjectBytes), _words.Bytes);
        switch (type.Kind)
        {
            case ObjectKind.Text:
                from = Text(at);
                break;
            case ObjectKind.Set:
                Set(at, address);
                from = at + _layout.SetBytes - 8;
                break;
            case ObjectKind.Tuple:
                from = at + _layout.TupleItems; // from 3.14 on, a hash comes before the items
                break;
            case ObjectKind.Type:
                // The rest of the cached things is borrowed: keys, then slots of the specializing interpreter.
                _words.ReferAllBut(from, at + _layout.HeapTypeKeys + 24, weak);
                from = at + _layout.HeapTypeBytes;
                break;
            case ObjectKind.Function:
                end = Math.Min(end, at + type.BasicBytes - (_layout.Minor >= 11 ? 16 : 8)); // then come code of C and, beside a stale word, func_version
                break;
            case ObjectKind.Pattern:
                end = Math.Min(end, at + type.BasicBytes - 8); // then come numbers: a program, or marks
                break;
            case ObjectKind.LruCache or ObjectKind.LruLink:
                from += 24; // previous, next, and a hash
                break;
            case ObjectKind.NumpyArray when NumpyFields.IsView(_words.Word(from + NumpyFields.BaseField), _words.Word(from + NumpyFields.FlagField)):
                from += NumpyFields.DimensionField; // its data belong to its base
                break;
            case ObjectKind.Other:
                from = AfterData(type, at, from);
                break;
        }

        if (type.Is(ObjectType.InlineValues))
            end = InlineValuesEnd(type, at, end);

        if (weak == long.MaxValue)
            _words.ReferAll(from, end);
        else
            _words.ReferAllBut(from, end, weak);
    }

    /// <summary>The words before the object, from 3.11 on: its dict, or, in 3.11 and 3.12, its values.</summary>
    private void ManagedDict(int at)
    {
        var dict = at - _layout.GcBytes - 8;
        if (_layout.Minor == 11)
            _words.Refer(dict - 8);

        var word = _words.Word(dict);
        _words.ReferTo(_layout.Minor == 12 && (word & 1) != 0 ? word + 1 : word); // 3.12: the values' address minus 1
    }

    /// <summary>Returns the end of the values in an instance (from 3.13 on), or their beginning when a dict has taken them: they are stale then.</summary>
    private long InlineValuesEnd(ObjectType type, int at, long end)
    {
        var head = at + type.BasicBytes; // {capacity, size, embedded, valid}
        if (head + 8 > end)
            return end;

        var word = _words.Word(head);
        return (word >> 24 & 0xff) == 0 ? head : Math.Min(end, head + 8 + ((long)(word & 0xff) * 8));
    }

    private long Text(int at)
    {
        var (state, afterState) = (_words.Word(at + _layout.ObjectBytes + 16), at + _layout.ObjectBytes + 24);
        var (isCompact, isAscii) = (IsSet(3), IsSet(4));
        if (_layout.Minor < 12)
            _words.Refer(afterState); // wstr

        var compact = at + _frames.CompactData;
        if (!(isCompact && isAscii))
            _words.Refer(compact - (_layout.Minor < 12 ? 16 : 8)); // utf8
        if (isCompact)
            return _words.Bytes;

        _words.Refer(compact);
        return compact + 8;

        bool IsSet(int bit) => (state >> _frames.KindShift + bit & 1) != 0;
    }

    private void Set(int at, ulong address)
    {
        if (_words.Word(at + _layout.SetTable) == address + (ulong)_layout.SetSmall)
            _words.ReferAll(at + _layout.SetSmall, at + _layout.SetSmall + 128, step: 16);
        else
            _words.Refer(at + _layout.SetTable);
    }

    private void Code(long from, int at, long weak)
    {
        var bytecode = (long)(at + _frames.CodeBytecode);
        if (_layout.Minor >= 14)
            _words.ReferAllBut(from, bytecode, bytecode - 24, weak); // a number by which threads count it
        else
            _words.ReferAllBut(from, Math.Min(_words.Bytes, _layout.Minor >= 11 ? bytecode : weak), weak); // then come caches with borrowed references
    }

    /// <summary>Returns where the references of a subclass of int or bytes begin: after digits or bytes.</summary>
    private long AfterData(ObjectType type, int at, long from)
    {
        if (type.Is(ObjectType.Bytes))
            return at + _frames.BytesData + Math.Clamp((long)_words.Word(at + _layout.SizeWord), 0, _words.Bytes) + 8 & ~7L;

        if (!type.Is(ObjectType.Int))
            return from;

        var size = (long)_words.Word(at + _layout.ObjectBytes);
        var digits = _layout["int.tag"] != 0 ? size >>> 3 : Math.Abs(Math.Max(size, -long.MaxValue));
        return at + _layout["int.digits"] + (Math.Min(digits, _words.Bytes) * 4) + 7 & ~7L;
    }
}
