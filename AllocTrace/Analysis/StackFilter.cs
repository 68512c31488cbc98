using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Decides for all stacks of a trie at once which of them filters let through; each file name is matched once.</summary>
internal static class StackFilter
{
    public static bool[] Passing(StackTable stacks, IReadOnlyCollection<Filter> filters)
    {
        var inclusive = filters.Where(filter => filter.Inclusive).Select(filter => Matching(stacks, filter)).ToArray();
        var exclusive = filters.Where(filter => !filter.Inclusive).Select(filter => Matching(stacks, filter)).ToArray();
        var passing = new bool[stacks.Count];
        for (var stack = 0; stack < passing.Length; stack++)
        {
            passing[stack] = (inclusive.Length == 0 || inclusive.Any(matching => matching[stack]))
                && !exclusive.Any(matching => matching[stack]);
        }

        return passing;
    }

    private static bool[] Matching(StackTable stacks, Filter filter)
    {
        var files = new bool?[stacks.Codes.TextCount];
        var matching = new bool[stacks.Count]; // no frame, no match
        for (var stack = 1; stack < matching.Length; stack++)
        {
            var file = stacks.Codes[stacks.Code[stack]].Filename;
            matching[stack] = (filter.AllFrames && matching[stacks.Caller[stack]])
                || (filter.MatchesLine(stacks.Line[stack]) && (files[file] ??= filter.MatchesFile(stacks.Codes.Text(file))));
        }

        return matching;
    }
}
