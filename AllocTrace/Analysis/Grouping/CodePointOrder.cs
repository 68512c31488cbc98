namespace AllocTrace.Analysis;

/// <summary>
/// Compares strings as Python does: code point by code point. <see cref="string.CompareOrdinal(string, string)"/> compares UTF-16
/// units, which puts U+E000–U+FFFF behind everything above U+FFFF.
/// </summary>
internal static class CodePointOrder
{
    public static int Compare(string a, string b)
    {
        var i = a.AsSpan().CommonPrefixLength(b);
        if (i == a.Length || i == b.Length)
            return a.Length.CompareTo(b.Length);

        // If only the second halves of two pairs differ, they order the code points.
        return CodePointAt(a, i).CompareTo(CodePointAt(b, i));
    }

    /// <summary>The code point that begins at <paramref name="index"/>; a lone surrogate is one, as in Python.</summary>
    public static int CodePointAt(string text, int index) =>
        char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1])
            ? char.ConvertToUtf32(text[index], text[index + 1])
            : text[index];
}
