namespace AllocTrace.Platform;

/// <summary>The kind of file that an output path names.</summary>
internal enum OutputTarget
{
    /// <summary>Nothing, or a link that leads nowhere.</summary>
    Nothing,

    /// <summary>A plain file, or a link to one: it can be replaced.</summary>
    File,

    Folder,

    /// <summary>A device, a pipe, a socket, or the output of a process (/dev/stdout): it can be written to, and is never replaced.</summary>
    Stream,
}

/// <summary>Finds out about names that something is to be written to.</summary>
internal static class OutputTargets
{
    public static OutputTarget Of(OutputFile file)
    {
        if (LibC.StatusOf(file.Name) is not { } named)
            return OutputTarget.Nothing;

        if (LibC.StatusBehind(file.Name) is not { } behind)
            return named.IsPlainFile ? OutputTarget.File : OutputTarget.Nothing;

        if (behind.IsFolder)
            return OutputTarget.Folder;

        // /dev/stdout is a link to a link in /proc, which may lead to a file. Whoever replaces the link takes it from everybody.
        var isSystems = !named.IsPlainFile && (IsBelow(file.Folder, "/proc") || (IsBelow(file.Folder, "/dev") && !IsBelow(file.Folder, "/dev/shm")));
        return behind.IsPlainFile && !isSystems ? OutputTarget.File : OutputTarget.Stream;
    }

    private static bool IsBelow(string folder, string above) => folder == above || folder.StartsWith($"{above}/", StringComparison.Ordinal);
}
