using System.Numerics;
using System.Runtime.CompilerServices;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds the stacks of another recording among those of this one: stacks with the same files, lines and functions.</summary>
/// <remarks>
/// There may be millions of stacks, so the table of those that are known is an array: a stack's place follows from its caller, line and function, or is
/// the next free one, and looking it up is one access to memory mostly.
/// </remarks>
internal sealed class StackMatch
{
    private readonly Dictionary<(string Filename, string Function), int> _functions = [];
    private readonly Entry[] _entries;
    private readonly int _shift;

    /// <param name="stacks">
    /// The stacks to search. Of stacks with equal frames (whose codes differ in something else) the first is found.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // this runs once, with all its work in one loop
    public StackMatch(StackTable stacks)
    {
        _entries = new Entry[(int)BitOperations.RoundUpToPowerOf2((uint)stacks.Count * 2)];
        _shift = 64 - BitOperations.Log2((uint)_entries.Length);
        var first = new int[stacks.Count]; // with the same frames
        var functions = FunctionsOf(stacks.Codes, add: true);
        ReadOnlySpan<int> callers = stacks.Caller, codes = stacks.Code, lines = stacks.Line;
        for (var stack = 1; stack < first.Length; stack++)
        {
            ref var entry = ref Find(first[callers[stack]], lines[stack], functions[codes[stack]]);
            if (entry.Stack == 0)
                entry = new Entry(stack, first[callers[stack]], lines[stack], functions[codes[stack]]);

            first[stack] = entry.Stack;
        }
    }

    /// <summary>For each stack of the other one the stack here, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // likewise
    public int[] Of(StackTable other)
    {
        var matches = new int[other.Count];
        var functions = FunctionsOf(other.Codes, add: false);
        ReadOnlySpan<int> callers = other.Caller, codes = other.Code, lines = other.Line;
        for (var stack = 1; stack < matches.Length; stack++)
        {
            var caller = matches[callers[stack]];
            var match = caller < 0 ? 0 : Find(caller, lines[stack], functions[codes[stack]]).Stack;
            matches[stack] = match == 0 ? -1 : match;
        }

        return matches;
    }

    /// <summary>The entry of a stack, or the free one where it belongs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry Find(int caller, int line, int function)
    {
        var hash = ((ulong)(uint)caller << 32 | (uint)line) * 0x9E37_79B9_7F4A_7C15 + (uint)function * 0xC2B2_AE3D_27D4_EB4F;
        for (var place = (hash * 0x9E37_79B9_7F4A_7C15) >> _shift; ; place = (place + 1) & (ulong)(_entries.Length - 1))
        {
            ref var entry = ref _entries[place];
            if (entry.Stack == 0 || (entry.Caller == caller && entry.Line == line && entry.Function == function))
                return ref entry;
        }
    }

    /// <summary>A number for each code's file and name; that of unknown ones is -1.</summary>
    private int[] FunctionsOf(CodeTable codes, bool add)
    {
        var numbers = new int[codes.Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            var key = (codes.Text(codes[i].Filename), codes.Text(codes[i].Function));
            if (add)
                _functions.TryAdd(key, _functions.Count);

            numbers[i] = _functions.GetValueOrDefault(key, -1);
        }

        return numbers;
    }

    /// <summary>A stack that is known, by its caller, line and function; stack 0 stands for none.</summary>
    private readonly record struct Entry(int Stack, int Caller, int Line, int Function);
}
