namespace AllocTrace.Storage;

/// <summary>
/// The trie of stacks in flat arrays: a million stacks are three arrays, not a million objects. Index 0 is the stack without a Python
/// frame; every caller has a smaller index than the stacks it called, so one pass backwards sums over whole subtrees.
/// </summary>
internal sealed class StackTable
{
    private readonly int[] _caller;
    private readonly int[] _code;
    private readonly int[] _line;

    public StackTable(int count, CodeTable codes)
    {
        Count = count;
        _caller = new int[count];
        _code = new int[count];
        _line = new int[count];
        Codes = codes;
    }

    public int Count { get; }

    public CodeTable Codes { get; }

    /// <summary>The numbers in the database, ascending; <see langword="null"/> when they are the indices.</summary>
    public long[]? Ids { get; set; }

    /// <summary>
    /// The representative of each stack when C frames of the interpreter are left out; <see langword="null"/> if they are not.
    /// </summary>
    public int[]? Folded { get; set; }

    /// <summary>The index of the calling stack, 0 for the outermost frame. Index 0 has none.</summary>
    public ReadOnlySpan<int> Caller => _caller;

    /// <summary>The index in <see cref="Codes"/> of the innermost frame's code. Index 0 has none.</summary>
    public ReadOnlySpan<int> Code => _code;

    /// <summary>The innermost frame's line, 0 when it is unknown.</summary>
    public ReadOnlySpan<int> Line => _line;

    /// <summary>The index of the stack with a number of the database, or a negative number.</summary>
    public int IndexOf(long id)
    {
        var index = Ids is null ? (ulong)id < (ulong)Count ? (int)id : -1 : AscendingIds.Find(Ids, id);
        return index > 0 && Folded is not null ? Folded[index] : index;
    }

    /// <summary>Fills in a stack; while the table is made.</summary>
    public void Set(int index, int caller, int code, int line)
    {
        _caller[index] = caller;
        _code[index] = code;
        _line[index] = line;
    }
}
