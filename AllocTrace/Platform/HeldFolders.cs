using System.Globalization;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Platform;

/// <summary>
/// Folders in which root works though other users may exchange them, or one above them, for links to elsewhere. Root opens such a folder once and names
/// it by its descriptor from then on, so that nothing is made or removed in another one. Used by one thread at a time but for <see cref="Shown"/>.
/// </summary>
internal sealed class HeldFolders : IDisposable
{
    /// <summary>The beginning of the names of held folders.</summary>
    public const string Prefix = "/proc/self/fd/";

    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private readonly List<(SafeFileHandle Folder, string Name, string Path)> _held = [];

    /// <summary>Holds a folder that exists, if that is needed.</summary>
    /// <returns>The name to use for it.</returns>
    /// <exception cref="IOException">It cannot be opened. The message is one line.</exception>
    public string Hold(string path)
    {
        if (IsHeld(path) || !CanBeExchanged(path) || !Directory.Exists(Prefix))
            return path;

        return _held.Find(each => each.Path == path) is { Name: { } known } ? known : Hold(LibC.OpenFolder(path), path);
    }

    /// <summary>Makes a folder in a held one unless it exists, and holds it, too. A link of that name is refused.</summary>
    /// <param name="held">The name of the held one.</param>
    /// <param name="name">The name within it.</param>
    /// <returns>The name to use for it.</returns>
    /// <exception cref="IOException">It cannot be made or opened. The message is one line.</exception>
    public string HoldWithin(string held, string name)
    {
        var path = Path.Combine(held, name);
        Directory.CreateDirectory(path);
        return IsHeld(held) ? Hold(LibC.OpenFolder(path, follow: false), Shown(path)) : path;
    }

    /// <summary>A message with the names that people know.</summary>
    public string Shown(string message) => _held.Aggregate(message, (text, each) => text.Replace($"{each.Name}/", $"{each.Path}/", StringComparison.Ordinal));

    public void Dispose() => _held.ForEach(each => each.Folder.Dispose());

    /// <summary>Returns whether a name is in a held folder, or is one.</summary>
    public static bool IsHeld(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Returns whether this process is root, and another user could put something else in the place of a folder or of one above it.</summary>
    public static bool CanBeExchanged(string path)
    {
        if (LibC.EffectiveUser() != 0)
            return false;

        var resolved = new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        for (var folder = resolved; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            // In a folder with the sticky bit, only its owner and the owner of what is in it can.
            var mode = File.GetUnixFileMode(folder);
            var isOthers = LibC.StatusOf(folder) is not { User: 0, IsFolder: true };
            if (isOthers || ((mode & WritableByOthers) != 0 && !mode.HasFlag(UnixFileMode.StickyBit)))
                return true;
        }

        return false;
    }

    private string Hold(SafeFileHandle folder, string path)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{folder.DangerousGetHandle()}");
        _held.Add((folder, name, path));
        return name;
    }
}
