namespace AllocTrace.Storage;

/// <summary>Code objects by number, with file and function names as numbers, so that grouping compares integers.</summary>
internal sealed class CodeTable
{
    private readonly Dictionary<string, int> _textIds = new(StringComparer.Ordinal);
    private readonly Dictionary<long, int> _indices = [];
    private readonly List<string> _texts = [];
    private readonly List<Code> _codes = [];

    public CodeTable()
    {
        NotKept = _codes.Count;
        _codes.Add(new Code(Intern("<stack not kept>"), Intern(""), 0));
    }

    /// <summary>The stand-in for the frames of stacks that could not be kept.</summary>
    public int NotKept { get; }

    public int Count => _codes.Count;

    /// <summary>How many distinct file and function names there are.</summary>
    public int TextCount => _texts.Count;

    public Code this[int code] => _codes[code];

    public string Text(int id) => _texts[id];

    public void Add(long id, string filename, string function, int firstLine)
    {
        _indices.Add(id, _codes.Count);
        _codes.Add(new Code(Intern(filename), Intern(function), firstLine));
    }

    /// <summary>Finds the index of the code with a number of the database, or -1.</summary>
    public int IndexOf(long id) => _indices.GetValueOrDefault(id, -1);

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
    internal readonly record struct Code(int Filename, int Function, int FirstLine);
}
