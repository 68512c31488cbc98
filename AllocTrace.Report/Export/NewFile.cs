using AllocTrace.Platform;

namespace AllocTrace.Report.Export;

/// <summary>
/// A file that appears under its name when it is complete, and replaces another one only with <c>--force</c>. Devices and pipes are written to
/// directly.
/// </summary>
internal static class NewFile
{
    /// <exception cref="IOException">The file exists and may not be replaced, or it cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder does not allow it.</exception>
    public static void Write(string path, bool replace, Action<Stream> write)
    {
        var target = OutputTargets.Of(path);
        if (target == OutputTarget.Folder)
            throw new IOException($"{path} is a folder");

        if (target == OutputTarget.Stream)
        {
            // A device or a pipe is written to as it is, and never replaced.
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Write);
            write(stream);
            return;
        }

        if (File.Exists(path) && !replace)
            throw new IOException($"{path} exists: give another name, or -f to replace it");

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
