namespace AllocTrace.Analysis;

/// <summary>The <c>[…]</c> of a shell pattern. The steps are those of CPython's <c>Lib/fnmatch.py</c>, so that its oddities are ours.</summary>
internal sealed class CharacterSet
{
    private const int Range = -1; // a '-' between two chunks, as opposed to a literal one

    private readonly List<(int First, int Last)> _ranges = [];
    private readonly bool _negated;

    private CharacterSet(List<int> tokens)
    {
        _negated = tokens is ['!', ..];
        for (var i = _negated ? 1 : 0; i < tokens.Count;)
        {
            var first = tokens[i] == Range ? '-' : tokens[i];
            if (i + 2 < tokens.Count && tokens[i + 1] == Range)
            {
                _ranges.Add((first, tokens[i + 2]));
                i += 3;
            }
            else
            {
                _ranges.Add((first, first));
                i++;
            }
        }
    }

    public bool Contains(int codePoint)
    {
        foreach (var (first, last) in _ranges)
        {
            if (first <= codePoint && codePoint <= last)
                return !_negated;
        }

        return _negated;
    }

    /// <summary>
    /// Parses the set whose <c>[</c> ends before <paramref name="index"/>, and moves the index behind its <c>]</c>. Without a <c>]</c> the
    /// bracket is a character like any other: <see langword="null"/>.
    /// </summary>
    public static CharacterSet? TryParse(ReadOnlySpan<int> pattern, ref int index)
    {
        var end = index;
        if (end < pattern.Length && pattern[end] == '!')
            end++;
        if (end < pattern.Length && pattern[end] == ']')
            end++; // a bracket that comes first is a member
        while (end < pattern.Length && pattern[end] != ']')
            end++;
        if (end == pattern.Length)
            return null;

        var set = new CharacterSet(Tokens(Chunks(pattern[index..end])));
        index = end + 1;
        return set;
    }

    /// <summary>Splits at each '-' that stands between two members.</summary>
    private static List<List<int>> Chunks(ReadOnlySpan<int> members)
    {
        var chunks = new List<List<int>>();
        var start = 0;
        for (var k = members is ['!', ..] ? 2 : 1; ; k += 3)
        {
            var hyphen = k < members.Length ? members[k..].IndexOf('-') : -1;
            if (hyphen < 0)
                break;

            k += hyphen;
            chunks.Add([.. members[start..k]]);
            start = k + 1;
        }

        if (start < members.Length || chunks.Count == 0)
            chunks.Add([.. members[start..]]);
        else
            chunks[^1].Add('-');

        // A range that ends before it begins has no members.
        for (var k = chunks.Count - 1; k > 0; k--)
        {
            if (chunks[k - 1][^1] > chunks[k][0])
            {
                chunks[k - 1] = [.. chunks[k - 1][..^1], .. chunks[k][1..]];
                chunks.RemoveAt(k);
            }
        }

        return chunks;
    }

    private static List<int> Tokens(List<List<int>> chunks)
    {
        var tokens = new List<int>(chunks[0]);
        foreach (var chunk in chunks[1..])
        {
            tokens.Add(Range);
            tokens.AddRange(chunk);
        }

        return tokens;
    }
}
