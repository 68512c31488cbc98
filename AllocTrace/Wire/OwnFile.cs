using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Wire;

/// <summary>
/// Opens files that the traced processes of this user make. In a folder where others may write, they may have put a link, a pipe or a file of
/// their own there under such a name: these are not followed, read or written. Root collects the sessions of all users.
/// </summary>
internal static class OwnFile
{
    /// <summary>Opens a file that is there.</summary>
    /// <exception cref="IOException">It cannot be opened, or is not such a file. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static SafeFileHandle Open(string path, FileAccess access)
    {
        var named = LibC.StatusOf(path);
        if (named is { } status && Objection(status) is { } objection)
            throw new IOException($"{path}: {objection}");

        var file = File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete);
        if (named is null || LibC.StatusOf(file) is not { } opened || !opened.IsSameFile(named.Value))
        {
            file.Dispose();
            throw new IOException($"{path}: it was exchanged while it was opened");
        }

        return file;
    }

    private static string? Objection(in LibC.FileStatus status)
    {
        var user = LibC.EffectiveUser();
        if (!status.IsPlainFile)
            return "not a session: it is a link, a folder or a device";

        if (user != 0 && status.User != user)
            return $"not collected: it is another user's (uid {status.User})";

        return status.Links > 1 ? "not collected: the file has other names, too" : null;
    }
}
