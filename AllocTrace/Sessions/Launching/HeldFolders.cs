using System.Globalization;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Sessions;

/// <summary>
/// Folders in which root works though other users may exchange them, or one above them, for links to elsewhere. Root opens such a folder once and names
/// it by its descriptor from then on, so that nothing is made or removed in another one. Used by one thread at a time but for <see cref="Shown"/>.
/// </summary>
internal sealed class HeldFolders
{
    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private readonly List<(SafeFileHandle Folder, string Name, string Path)> _held = [];

    /// <summary>Holds a folder if that is needed.</summary>
    /// <returns>The name to use for it.</returns>
    public string Hold(string path)
    {
        if (LibC.EffectiveUser() != 0 || !CanBeExchanged(path) || !Directory.Exists("/proc/self/fd"))
            return path;

        if (_held.Find(each => each.Path == path) is { Name: { } known })
            return known;

        var folder = LibC.OpenFolder(path);
        var name = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{folder.DangerousGetHandle()}");
        _held.Add((folder, name, path));
        return name;
    }

    /// <summary>Returns a message with the names that users know.</summary>
    public string Shown(string message) => _held.Aggregate(message, (text, each) => text.Replace($"{each.Name}/", $"{each.Path}/", StringComparison.Ordinal));

    /// <summary>Returns whether another user could put something else in the place of a folder. In one with the sticky bit, only its owner can.</summary>
    private static bool CanBeExchanged(string path)
    {
        var resolved = new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        for (var folder = resolved; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var mode = File.GetUnixFileMode(folder);
            var isOthers = LibC.StatusOf(folder) is not { User: 0, IsFolder: true };
            if (isOthers || ((mode & WritableByOthers) != 0 && !mode.HasFlag(UnixFileMode.StickyBit)))
                return true;
        }

        return false;
    }
}
