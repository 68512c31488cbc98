using System.Runtime.InteropServices;

namespace AllocTrace.Storage;

/// <summary>
/// The stacks of many processes as one trie in memory: equal stacks of different processes are one. Stack 0 has no Python frame; a caller has a smaller
/// number than the stacks that it called. Used by one thread at a time.
/// </summary>
internal sealed class FrameTrie
{
    /// <summary>The code of "a stack that could not be kept".</summary>
    public const int NotKeptCode = 0;

    private readonly List<FrameEntry> _stacks = [default];
    private readonly Dictionary<(int Caller, int Code, uint Line), int> _numbers = [];
    private readonly List<CodeKey> _codes = [new("<stack not kept>", "", 0, "")];
    private readonly Dictionary<CodeKey, int> _codeNumbers = [];

    /// <summary>The number of stacks.</summary>
    public int Count => _stacks.Count;

    /// <summary>The number of code objects.</summary>
    public int CodeCount => _codes.Count;

    /// <summary>The stack of what could not be kept.</summary>
    public int NotKept => Add(0, NotKeptCode, 0);

    public FrameEntry this[int stack] => _stacks[stack];

    public CodeKey Code(int code) => _codes[code];

    /// <summary>Returns the number of a stack.</summary>
    public int Add(int caller, int code, uint line)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, (caller, code, line), out var isKnown);
        if (!isKnown)
        {
            number = _stacks.Count;
            _stacks.Add(new FrameEntry(caller, code, (int)line, _stacks[caller].Depth + 1));
        }

        return number;
    }

    /// <summary>Returns the number of a code object.</summary>
    public int AddCode(CodeKey key)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_codeNumbers, key, out var isKnown);
        if (!isKnown)
        {
            number = _codes.Count;
            _codes.Add(key);
        }

        return number;
    }

    /// <summary>Returns the number in this trie of another trie's stack.</summary>
    /// <param name="other">The other one.</param>
    /// <param name="stack">Its stack.</param>
    /// <param name="known">The known stacks; grows.</param>
    public int Import(FrameTrie other, int stack, Dictionary<int, int> known)
    {
        var path = new Stack<int>();
        for (; stack != 0 && !known.ContainsKey(stack); stack = other[stack].Caller)
            path.Push(stack);

        var number = stack == 0 ? 0 : known[stack];
        foreach (var each in path)
        {
            var entry = other[each];
            known[each] = number = Add(number, entry.Code == NotKeptCode ? NotKeptCode : AddCode(other.Code(entry.Code)), (uint)entry.Line);
        }

        return number;
    }
}

/// <summary>A stack: its innermost frame, and the stack of the caller.</summary>
internal readonly record struct FrameEntry(int Caller, int Code, int Line, int Depth);
