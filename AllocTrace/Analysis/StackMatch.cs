using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds the stacks of another recording among those of this one: the same files, lines and functions all the way.</summary>
internal sealed class StackMatch
{
    private readonly Dictionary<string, int> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<Key, int> _stacks;

    /// <param name="stacks">Where to find them. Of stacks with the same frames (their codes differ in something else) the first is found.</param>
    public StackMatch(StackTable stacks)
    {
        _stacks = new Dictionary<Key, int>(stacks.Count);
        var canonical = new int[stacks.Count];
        var texts = TextsOf(stacks.Codes, add: true);
        for (var stack = 1; stack < stacks.Count; stack++)
        {
            var key = KeyOf(stacks, stack, canonical[stacks.Caller[stack]], texts);
            _stacks.TryAdd(key, stack);
            canonical[stack] = _stacks[key];
        }
    }

    /// <summary>For each stack of the other one the stack here, or -1.</summary>
    public int[] Of(StackTable other)
    {
        var matches = new int[other.Count];
        var texts = TextsOf(other.Codes, add: false);
        for (var stack = 1; stack < matches.Length; stack++)
        {
            var caller = matches[other.Caller[stack]];
            matches[stack] = caller < 0 ? -1 : _stacks.GetValueOrDefault(KeyOf(other, stack, caller, texts), -1);
        }

        return matches;
    }

    private static Key KeyOf(StackTable stacks, int stack, int caller, int[] texts)
    {
        var code = stacks.Codes[stacks.Code[stack]];
        return new Key(caller, stacks.Line[stack], texts[code.Filename], texts[code.Function]);
    }

    private int[] TextsOf(CodeTable codes, bool add)
    {
        var ids = new int[codes.TextCount];
        for (var i = 0; i < ids.Length; i++)
        {
            if (!_texts.TryGetValue(codes.Text(i), out ids[i]))
            {
                ids[i] = add ? _texts.Count : -1;
                if (add)
                    _texts.Add(codes.Text(i), ids[i]);
            }
        }

        return ids;
    }

    private readonly record struct Key(int Caller, int Line, int Filename, int Function);
}
