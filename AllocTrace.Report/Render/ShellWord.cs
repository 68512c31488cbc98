namespace AllocTrace.Report.Render;

/// <summary>Writes the name of a file so that a shell reads it back, and a command does not take it for an option.</summary>
internal static class ShellWord
{
    public static string Quote(string file)
    {
        var word = file.StartsWith('-') ? $"./{file}" : file;
        return word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "%+,-./:=@_".Contains(c))
            ? word
            : $"'{word.Replace("'", "'\\''")}'";
    }
}
