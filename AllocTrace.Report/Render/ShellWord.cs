namespace AllocTrace.Report.Render;

/// <summary>Writes a word so that a shell reads it back.</summary>
internal static class ShellWord
{
    public static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "%+,-./:=@_".Contains(c))
            ? word
            : $"'{word.Replace("'", "'\\''")}'";
}
