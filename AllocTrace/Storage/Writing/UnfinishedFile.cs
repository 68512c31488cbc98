using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>
/// The file beside its target in which a database is made. It is locked as long as its maker lives, so what a killed one left is known as such.
/// </summary>
internal sealed class UnfinishedFile : IDisposable
{
    private const string Suffix = ".unfinished";

    private readonly FileStream _lock;

    /// <summary>Makes an empty file.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public UnfinishedFile(OutputFile target, bool isPrivate = false)
    {
        Path = $"{target.Name}.{System.IO.Path.GetRandomFileName()}{Suffix}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (isPrivate)
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

        try
        {
            _lock = new FileStream(Path, options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && e.Message.Contains(Suffix, StringComparison.Ordinal))
        {
            // The user knows the target's name only.
            var (made, meant) = (System.IO.Path.GetFullPath(Path), System.IO.Path.GetFullPath(target.Path));
            throw new IOException(e is FileNotFoundException ? "no files can be created in its folder" : e.Message.Replace(made, meant, StringComparison.Ordinal), e);
        }
    }

    public string Path { get; }

    public long Length => RandomAccess.GetLength(_lock.SafeFileHandle);

    /// <summary>Fills the empty file.</summary>
    /// <exception cref="IOException">There is no room.</exception>
    public void Fill(Action<Stream> write)
    {
        _lock.Position = 0;
        write(_lock);
    }

    /// <summary>Copies it to a new file beside it, for the target's name.</summary>
    /// <returns>The copy's name.</returns>
    /// <exception cref="IOException">There is no room for it.</exception>
    public string Copy()
    {
        RemoveCopy(); // made anew: nobody else's is written to, or what a link leads to
        using var copy = new FileStream(CopyOf(Path), FileMode.CreateNew, FileAccess.Write);
        _lock.Position = 0;
        _lock.CopyTo(copy);
        return copy.Name;
    }

    /// <summary>Renames the file to its target, where it is complete and unlocked.</summary>
    /// <exception cref="IOException">There is such a file, or it cannot be renamed.</exception>
    public void MoveTo(OutputFile target, bool overwrite)
    {
        _lock.Dispose();
        File.Move(Path, target.Name, overwrite);
    }

    /// <summary>Removes a copy that did not get the target's name.</summary>
    public void RemoveCopy() => FolderFiles.TryDelete(CopyOf(Path));

    /// <summary>Removes what makers of a target left that are no more.</summary>
    public static void RemoveLeft(OutputFile target)
    {
        var name = System.IO.Path.GetFullPath(target.Name);
        foreach (var file in FolderFiles.Of(System.IO.Path.GetDirectoryName(name)!, $"{System.IO.Path.GetFileName(name)}.", Suffix))
            RemoveUnlessLocked(file);
    }

    /// <summary>Removes a file if no process has locked it.</summary>
    /// <returns>True if it was removed.</returns>
    public static bool RemoveUnlessLocked(string file)
    {
        try
        {
            // Not by another user's file, or through a link, and without a device that is opened.
            using var free = OwnFile.Open(file, FileAccess.ReadWrite);
            if (!LibC.TryLockFile(free))
                return false;

            File.Delete(file);
            File.Delete(CopyOf(file));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // its maker lives, or it is another user's
        }
    }

    /// <summary>Removes it, unless it has got its target's name.</summary>
    public void Dispose()
    {
        FolderFiles.TryDelete(Path);
        _lock.Dispose();
    }

    private static string CopyOf(string file) => $"{file}.copy";
}
