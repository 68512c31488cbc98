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
        using var target = new OutputFile(path);
        switch (OutputTargets.Of(target))
        {
            case OutputTarget.Folder:
                throw new IOException($"{path} is a folder");
            case OutputTarget.Stream:
                WriteStream(target, write);
                break;
            default:
                try
                {
                    WriteFile(target, replace, write);
                }
                catch (Exception e) when (target.IsHeld && e is IOException or UnauthorizedAccessException)
                {
                    throw new IOException(target.Shown(e.Message), e);
                }

                break;
        }
    }

    /// <summary>Writes to a device or a pipe as it is. Where another user could put a link to a device of root's, root does not.</summary>
    private static void WriteStream(OutputFile target, Action<Stream> write)
    {
        if (target.IsHeld)
            throw new IOException($"{target.Path} is a device or a pipe in a folder that another user can change: root writes no such thing. Use -o - and a pipe");

        using var stream = new FileStream(target.Name, FileMode.Open, FileAccess.Write);
        write(stream);
    }

    private static void WriteFile(OutputFile target, bool replace, Action<Stream> write)
    {
        if (File.Exists(target.Name) && !replace)
            throw new IOException($"{target.Path} exists: give another name, or -f to replace it");

        if (!Directory.Exists(target.Folder))
            throw new IOException($"no such folder: {target.Folder}");

        var unfinished = $"{target.Name}.{Path.GetRandomFileName()}.part";
        try
        {
            using (var file = new FileStream(unfinished, FileMode.CreateNew))
                write(file);

            File.Move(unfinished, target.Name, replace);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }
}
