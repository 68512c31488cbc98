namespace AllocTrace.Storage;

/// <summary>
/// The trie of stacks in flat arrays: a million stacks are three arrays, not a million objects. Index 0 is the stack without a Python
/// frame; every caller has a smaller index than the stacks it called, so one pass backwards sums over whole subtrees.
/// </summary>
internal sealed class StackTable
{
    private readonly long[] _ids;
    private readonly int[] _caller;
    private readonly int[] _code;
    private readonly int[] _line;

    /// <summary>Takes over the arrays, ordered by <paramref name="ids"/>.</summary>
    public StackTable(long[] ids, int[] caller, int[] code, int[] line, CodeTable codes)
    {
        _ids = ids;
        _caller = caller;
        _code = code;
        _line = line;
        Codes = codes;
    }

    /// <summary>The numbers in the database, ascending.</summary>
    public ReadOnlySpan<long> Ids => _ids;

    public int Count => _ids.Length;

    public CodeTable Codes { get; }

    /// <summary>The index of the calling stack, 0 for the outermost frame. Index 0 has none.</summary>
    public ReadOnlySpan<int> Caller => _caller;

    /// <summary>The index in <see cref="Codes"/> of the innermost frame's code. Index 0 has none.</summary>
    public ReadOnlySpan<int> Code => _code;

    /// <summary>The innermost frame's line, 0 when it is unknown.</summary>
    public ReadOnlySpan<int> Line => _line;
}
