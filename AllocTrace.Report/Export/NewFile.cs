namespace AllocTrace.Report.Export;

/// <summary>A file that appears under its name only when it is complete, and replaces nothing unless told to.</summary>
internal static class NewFile
{
    /// <exception cref="IOException">The file exists and may not be replaced, or it cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder does not allow it.</exception>
    public static void Write(string path, bool replace, Action<Stream> write)
    {
        if (path.StartsWith("/dev/", StringComparison.Ordinal))
        {
            // A device is written as it is: nothing can be renamed to it.
            using var device = new FileStream(path, FileMode.Open, FileAccess.Write);
            write(device);
            return;
        }

        if (File.Exists(path) && !replace)
            throw new IOException($"{path} exists; -f replaces it");

        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new IOException($"no such folder: {folder}");

        var unfinished = $"{path}.{Environment.ProcessId}.part";
        try
        {
            using (var file = new FileStream(unfinished, FileMode.CreateNew))
                write(file);

            File.Move(unfinished, path, replace);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }
}
