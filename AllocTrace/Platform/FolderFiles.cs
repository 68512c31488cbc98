namespace AllocTrace.Platform;

/// <summary>The files of a folder by how their names begin and end, letter by letter: in a pattern, a name could stand for others.</summary>
internal static class FolderFiles
{
    /// <summary>The files that there are now; none when the folder is gone, or may not be looked into.</summary>
    public static string[] Of(string folder, string beginning, string end = "")
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder).Where(IsMeant)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }

        bool IsMeant(string file)
        {
            var name = Path.GetFileName(file.AsSpan());
            return name.Length >= beginning.Length + end.Length && name.StartsWith(beginning, StringComparison.Ordinal) && name.EndsWith(end, StringComparison.Ordinal);
        }
    }

    /// <summary>Removes a file where that is possible; it, and its folder, may be gone.</summary>
    public static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever collects next removes it.
        }
    }
}
