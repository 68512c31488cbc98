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
    public static SafeFileHandle Open(string path, FileAccess access)
    {
        if (LibC.StatusOf(path) is { IsPlainFile: false }) // before a device is opened, which may do something then
            throw new IOException($"{path}: {NoFile}");

        var file = LibC.OpenPresent(path, access, follow: false);
        if (Objection(file) is not { } objection)
            return file;

        file.Dispose();
        throw new IOException($"{path}: {objection}");
    }

    private const string NoFile = "not a session: it is a link, a folder or a device";

    private static string? Objection(SafeFileHandle file)
    {
        if (LibC.StatusOf(file) is not { IsPlainFile: true } status)
            return NoFile;

        var user = LibC.EffectiveUser();
        if (user != 0 && status.User != user)
            return $"not collected: it is another user's (uid {status.User})";

        return status.Links > 1 ? "not collected: the file has other names, too" : null;
    }
}
