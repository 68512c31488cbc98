using System.Globalization;
using System.Text;

namespace AllocTrace.Report.Render;

/// <summary>Makes names safe to show: a file name may hold escape sequences, and a terminal would obey them.</summary>
internal static class Printable
{
    /// <summary>Replaces control and format characters by <c>\xNN</c> or <c>\uNNNN</c>.</summary>
    public static string Text(string text)
    {
        if (!text.Any(IsUnsafe))
            return text;

        var safe = new StringBuilder();
        foreach (var c in text)
        {
            if (!IsUnsafe(c))
                safe.Append(c);
            else
                safe.Append(c <= 0xFF ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}");
        }

        return safe.ToString();
    }

    // Format characters include those that reverse the direction of what follows; of other scripts nothing is touched.
    private static bool IsUnsafe(char c) => CharUnicodeInfo.GetUnicodeCategory(c) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
