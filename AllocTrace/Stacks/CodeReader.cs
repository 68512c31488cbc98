using System.Text;

namespace AllocTrace.Stacks;

/// <summary>
/// Reads names and lines of another process's code objects, and keeps them: an instance is valid only while the process does not run.
/// </summary>
internal sealed class CodeReader(ProcessMemory memory, RemotePython python)
{
    private const int CodeBytes = 240, ObjectBytes = 72, LongestText = 8192, LongestTable = 1 << 24;
    private readonly PythonLayout _layout = python.Layout;
    private readonly Dictionary<ulong, RemoteCode> _codes = [];

    /// <exception cref="TornReadException">It is no code object.</exception>
    public RemoteCode Get(ulong address)
    {
        if (!_codes.TryGetValue(address, out var code))
            _codes.Add(address, code = Read(address));
        return code;
    }

    private RemoteCode Read(ulong address)
    {
        if (address % sizeof(ulong) != 0)
            throw new TornReadException();

        var code = memory.Read(address, CodeBytes);
        if (Word(code, _layout.ObjectType) != python.CodeType)
            throw new TornReadException();

        var bytecode = _layout.PositionIsIndex ? Word(memory.Read(Word(code, _layout.CodeBytecode), ObjectBytes), _layout.ObjectSize) : 2 * Word(code, _layout.ObjectSize);
        return new RemoteCode
        {
            Filename = Text(Word(code, _layout.CodeFilename)),
            Name = Text(Word(code, _layout.CodeQualname != 0 ? _layout.CodeQualname : _layout.CodeName)),
            FirstLine = BitConverter.ToInt32(code, _layout.CodeFirstLine),
            LineTable = Bytes(Word(code, _layout.CodeLineTable)),
            BytecodeBytes = bytecode < int.MaxValue ? (long)bytecode : throw new TornReadException(),
            FirstTraceable = _layout.CodeFirstTraceable == 0 ? 0 : 2 * BitConverter.ToInt32(code, _layout.CodeFirstTraceable),
            Copies = _layout.CodeBytecodeCopies == 0 ? 0 : Word(code, _layout.CodeBytecodeCopies),
        };
    }

    private byte[] Bytes(ulong address)
    {
        var size = Word(memory.Read(address, ObjectBytes), _layout.ObjectSize);
        return size <= LongestTable ? memory.Read(address + (ulong)_layout.BytesData, (int)size) : throw new TornReadException();
    }

    private string Text(ulong address)
    {
        var text = memory.Read(address, ObjectBytes);
        var (state, length) = (BitConverter.ToUInt32(text, _layout.TextState) >> _layout.KindShift, Word(text, _layout.TextLength));
        var (kind, isCompact, isAscii) = ((int)(state & 7), (state & 8) != 0, (state & 16) != 0);
        if (!IsText(Word(text, _layout.ObjectType)) || kind is not (1 or 2 or 4))
            throw new TornReadException();

        // An instance of a subclass keeps its characters in a block of their own.
        var kept = (int)Math.Min(length, LongestText);
        var data = memory.Read(isCompact ? address + (ulong)(isAscii ? _layout.AsciiData : _layout.CompactData) : Word(text, _layout.CompactData), kept * kind);
        var result = new StringBuilder(kept);
        for (var i = 0; i < kept; i++)
        {
            var character = kind switch { 1 => data[i], 2 => BitConverter.ToUInt16(data, 2 * i), _ => BitConverter.ToInt32(data, 4 * i) };
            if (Rune.IsValid(character))
                result.Append(new Rune(character).ToString());
            else
                result.Append("\\u").Append(character.ToString("x4")); // a lone surrogate, as everywhere in reports
        }

        return length > (ulong)kept ? result.Append('…').ToString() : result.ToString();
    }

    /// <summary>Returns whether a type is str or a subclass of it: compile keeps either as a file name.</summary>
    /// <remarks>From 3.8 to 3.15, tp_flags is 19 words behind ob_size; Py_TPFLAGS_UNICODE_SUBCLASS is bit 28.</remarks>
    private bool IsText(ulong type) =>
        type == python.TextType || (Word(memory.Read(type + (ulong)_layout.ObjectSize + (19 * sizeof(ulong)), sizeof(ulong)), 0) & (1UL << 28)) != 0;

    private static ulong Word(byte[] structure, int offset) => BitConverter.ToUInt64(structure, offset);
}
