using System.Runtime.InteropServices;

namespace AllocTrace.Storage;

/// <summary>Code objects by number, with file and function names as numbers, so that grouping compares integers.</summary>
internal sealed class CodeTable
{
    private readonly Dictionary<string, int> _textIds = new(StringComparer.Ordinal);
    private readonly List<long> _ids = []; // ascending, of all but the first
    private readonly List<string> _texts = [];
    private readonly List<Code> _codes = [];
    private readonly Dictionary<int, NativeOrigin> _native = [];

    public CodeTable()
    {
        NotKept = _codes.Count;
        _codes.Add(new Code(Intern("<stack not kept>"), Intern(""), 0));
    }

    /// <summary>The stand-in for the frames of stacks that could not be kept.</summary>
    public int NotKept { get; }

    public int Count => _codes.Count;

    /// <summary>True if there are C functions.</summary>
    public bool HasNative => _native.Count > 0;

    /// <summary>The number of distinct file and function names.</summary>
    public int TextCount => _texts.Count;

    public Code this[int code] => _codes[code];

    public string Text(int id) => _texts[id];

    /// <summary>Returns the place of a C function; <see langword="null"/> for Python code.</summary>
    public NativeOrigin? NativeOf(int code) => _native.TryGetValue(code, out var origin) ? origin : null;

    /// <summary>Adds a code whose number is larger than all before.</summary>
    public void Add(long id, string filename, string function, int firstLine, NativeOrigin? native = null)
    {
        if (native is { } origin)
            _native.Add(_codes.Count, origin);

        _ids.Add(id);
        _codes.Add(new Code(Intern(filename), Intern(function), firstLine, native is not null));
    }

    /// <summary>Finds the index of the code with a number of the database, or a negative number.</summary>
    public int IndexOf(long id) => AscendingIds.Find(CollectionsMarshal.AsSpan(_ids), id) is var index and >= 0 ? index + 1 : -1;

    private int Intern(string text)
    {
        if (!_textIds.TryGetValue(text, out var id))
        {
            id = _texts.Count;
            _textIds.Add(text, id);
            _texts.Add(text);
        }

        return id;
    }

    /// <summary>A code object; its names are indices for <see cref="Text"/>.</summary>
    internal readonly record struct Code(int Filename, int Function, int FirstLine, bool IsNative = false);
}
