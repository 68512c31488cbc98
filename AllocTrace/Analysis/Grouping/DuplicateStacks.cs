using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Finds stacks with equal frames and different code objects: those of a function that was defined twice under one name, on overlapping
/// lines. A traceback does not distinguish them.
/// </summary>
internal static class DuplicateStacks
{
    /// <summary>For each stack the first one with the same frames; <see langword="null"/> when no two have.</summary>
    public static int[]? FirstOfEach(StackTable stacks)
    {
        var twins = TwinsOf(stacks.Codes);
        if (twins is null)
            return null;

        var hasTwin = new bool[twins.Length];
        for (var code = 0; code < twins.Length; code++)
        {
            if (twins[code] != code)
                hasTwin[code] = hasTwin[twins[code]] = true;
        }

        var first = new int[stacks.Count];
        var above = new bool[stacks.Count]; // whether a twin is on the way: only below one can stacks be the same
        var known = new Dictionary<(int Caller, int Code, int Line), int>();
        for (var stack = 1; stack < first.Length; stack++)
        {
            var (caller, code) = (stacks.Caller[stack], stacks.Code[stack]);
            above[stack] = above[caller] || hasTwin[code];
            first[stack] = stack;
            if (above[stack] && !known.TryAdd((first[caller], twins[code], stacks.Line[stack]), stack))
                first[stack] = known[(first[caller], twins[code], stacks.Line[stack])];
        }

        return first;
    }

    /// <summary>For each code the first one with its file and name.</summary>
    private static int[]? TwinsOf(CodeTable codes)
    {
        var first = new Dictionary<(int, int), int>();
        var twins = new int[codes.Count];
        for (var code = 0; code < twins.Length; code++)
        {
            var key = (codes[code].Filename, codes[code].Function);
            twins[code] = first.TryAdd(key, code) ? code : first[key];
        }

        return first.Count == twins.Length ? null : twins;
    }
}
