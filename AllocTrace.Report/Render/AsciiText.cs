using System.Text;

namespace AllocTrace.Report.Render;

/// <summary>Reports in ASCII, for locales that have no other characters: what draws is replaced by what resembles it, names by escapes.</summary>
internal static class AsciiText
{
    private const string Drawn = "…⋮├└─│┤•▲◆▁▂▃▄▅▆▇█↓";
    private const string Instead = "~:|`-||o^*.._--==#v";

    public static string Of(string text)
    {
        if (text.All(char.IsAscii))
            return text;

        var ascii = new StringBuilder();
        foreach (var c in text)
        {
            if (Drawn.IndexOf(c) is var i and >= 0)
                ascii.Append(Instead[i]);
            else if (char.IsAscii(c))
                ascii.Append(c);
            else
                ascii.Append($"\\u{(int)c:x4}");
        }

        return ascii.ToString();
    }
}
