using System.Globalization;

namespace AllocTrace.Stacks;

/// <summary>The offsets in a CPython of what a walk reads: the table of the C library (src/python/layout.h), which layouts.txt is printed from.</summary>
internal sealed class PythonLayout
{
    private static readonly Lazy<PythonLayout[]> _all = new(() => [.. Table().TrimEnd('\n').Split('\n').Select(line => new PythonLayout(line))]);
    private readonly Dictionary<string, int> _members;

    private PythonLayout(string line)
    {
        _members = line.Split(' ')[1..].Select(member => member.Split('=')).ToDictionary(parts => parts[0], parts => int.Parse(parts[1], CultureInfo.InvariantCulture));
        (Minor, FreeThreaded) = (this["minor"], this["free_threaded"] != 0);
        (PositionIsIndex, PositionUnit) = (this["position_kind"] == 0, this["position_unit"]);
        LineFormat = (LineFormat)this["line_format"];
        (FirstOwnerWithoutCode, GeneratorOwner, ExecutableTags) = (this["first_owner_without_code"], this["generator_owner"], (ulong)this["executable_tags"]);
        (StateNext, StateFrame, StateThreadId, StateNativeId) = (this["thread_state.next"], this["thread_state.frame"], this["thread_state.thread_id"], this["thread_state.native_id"]);
        (FrameIsIndirect, CframeFrame, CframePrevious) = (this["thread_state.frame_is_indirect"] != 0, this["thread_state.cframe_frame"], this["thread_state.cframe_previous"]);
        (InterpreterNext, InterpreterId, InterpreterThreads) = (this["interpreter.next"], this["interpreter.id"], this["interpreter.threads"]);
        (FramePrevious, FrameCode, FramePosition) = (this["frame.previous"], this["frame.code"], this["frame.position"]);
        (FrameOwner, FrameBytecodeCopy) = (this["frame.owner"], this["frame.bytecode_copy"]);
        (CodeFirstLine, CodeFilename, CodeName, CodeQualname) = (this["code.first_line"], this["code.filename"], this["code.name"], this["code.qualname"]);
        (CodeLineTable, CodeFirstTraceable, CodeBytecode, CodeBytecodeCopies) = (this["code.line_table"], this["code.first_traceable"], this["code.bytecode"], this["code.bytecode_copies"]);
        (ObjectType, ObjectSize, BytesData) = (this["object.type"], this["object.size"], this["object.bytes_data"]);
        (TextLength, TextState, AsciiData, CompactData, KindShift) = (this["object.text_length"], this["object.text_state"], this["object.ascii_data"], this["object.compact_data"], this["object.kind_shift"]);
        RuntimeInterpreters = this["runtime_interpreters"];
    }

    public int Minor { get; }

    public bool FreeThreaded { get; }

    /// <summary>To 3.10 a frame's position is an index (in <see cref="PositionUnit"/> bytes); later it points into the bytecode.</summary>
    public bool PositionIsIndex { get; }

    public int PositionUnit { get; }

    public LineFormat LineFormat { get; }

    public int FirstOwnerWithoutCode { get; }

    public int GeneratorOwner { get; }

    public ulong ExecutableTags { get; }

    public int StateNext { get; }

    public int StateFrame { get; }

    public int StateThreadId { get; }

    public int StateNativeId { get; }

    public bool FrameIsIndirect { get; }

    public int CframeFrame { get; }

    public int CframePrevious { get; }

    public int InterpreterNext { get; }

    public int InterpreterId { get; }

    public int InterpreterThreads { get; }

    public int FramePrevious { get; }

    public int FrameCode { get; }

    public int FramePosition { get; }

    public int FrameOwner { get; }

    public int FrameBytecodeCopy { get; }

    public int CodeFirstLine { get; }

    public int CodeFilename { get; }

    public int CodeName { get; }

    public int CodeQualname { get; }

    public int CodeLineTable { get; }

    public int CodeFirstTraceable { get; }

    public int CodeBytecode { get; }

    public int CodeBytecodeCopies { get; }

    public int ObjectType { get; }

    public int ObjectSize { get; }

    public int BytesData { get; }

    public int TextLength { get; }

    public int TextState { get; }

    public int AsciiData { get; }

    public int CompactData { get; }

    public int KindShift { get; }

    public int RuntimeInterpreters { get; }

    private int this[string member] => _members[member];

    /// <summary>Returns the layout of a minor version of CPython 3; <see langword="null"/> if unknown.</summary>
    public static PythonLayout? Find(int minor, bool freeThreaded) => _all.Value.SingleOrDefault(layout => layout.Minor == minor && layout.FreeThreaded == freeThreaded);

    /// <summary>Formats the table as <c>native-parts --layouts</c> does.</summary>
    public static string Table()
    {
        using var reader = new StreamReader(typeof(PythonLayout).Assembly.GetManifestResourceStream("layouts.txt")!);
        return reader.ReadToEnd();
    }

    /// <summary>
    /// Returns the first member that differs in <c>_Py_DebugOffsets</c>, which 3.13 and later have at the start of <c>_PyRuntime</c>;
    /// <see langword="null"/> if none does. The positions are those of src/python/layout.c.
    /// </summary>
    public string? DifferenceFrom(ReadOnlySpan<byte> debugOffsets)
    {
        foreach (var (member, positions) in _published)
        {
            if (positions[Minor - 13] is var position and not 0 && BitConverter.ToUInt64(debugOffsets[position..]) != (ulong)this[member])
                return member;
        }

        return null;
    }

    private static readonly (string Member, int[] Positions)[] _published =
    [
        ("runtime_interpreters", [40, 40, 40]),
        ("interpreter.id", [56, 56, 56]),
        ("interpreter.next", [64, 64, 64]),
        ("interpreter.threads", [72, 72, 72]),
        ("thread_state.next", [168, 192, 192]),
        ("thread_state.frame", [184, 208, 208]),
        ("thread_state.thread_id", [192, 216, 240]),
        ("thread_state.native_id", [200, 224, 248]),
        ("frame.previous", [232, 256, 320]),
        ("frame.code", [240, 264, 328]),
        ("frame.position", [248, 272, 336]),
        ("frame.owner", [264, 288, 352]),
        ("code.filename", [280, 320, 384]),
        ("code.name", [288, 328, 392]),
        ("code.qualname", [296, 336, 400]),
        ("code.line_table", [304, 344, 408]),
        ("code.first_line", [312, 352, 416]),
        ("code.bytecode", [344, 384, 448]),
        ("object.type", [360, 408, 472]),
        ("object.size", [520, 600, 696]),
        ("object.bytes_data", [528, 608, 704]),
        ("object.text_state", [544, 624, 720]),
        ("object.text_length", [552, 632, 728]),
        ("object.ascii_data", [560, 640, 736]),
    ];
}
