using System.Globalization;
using AllocTrace.Analysis;

namespace AllocTrace.Report.Commands;

/// <summary>
/// A <c>--filter</c> or <c>--exclude</c>: <c>PATTERN[:LINE]</c>. The pattern is tracemalloc's (<c>*</c>, <c>?</c>, <c>[set]</c>) and matches a
/// whole file name, or the end of one behind a <c>/</c>: <c>app.py</c> finds <c>/srv/app.py</c>.
/// </summary>
internal static class FilterPattern
{
    /// <summary>The filters that a pattern stands for.</summary>
    public static IEnumerable<Filter> Parse(string pattern, bool inclusive, bool allFrames)
    {
        int? line = null;
        var colon = pattern.LastIndexOf(':');
        if (colon > 0 && int.TryParse(pattern.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            line = number;
            pattern = pattern[..colon];
        }

        yield return new Filter(inclusive, pattern, line, allFrames);
        if (pattern is not ['/' or '*' or '<', ..])
            yield return new Filter(inclusive, "*/" + pattern, line, allFrames);
    }
}
