using System.Security.Cryptography;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Attaching;

/// <summary>
/// A folder in which this process passes files to a process of another user. The folder stays this user's: the other one can read and write
/// the files that it was given, and can neither rename, replace nor add any. All files are made and removed by descriptor, so the path may
/// change meanwhile. A process that does not see this process's temporary files (in a container) has the folder in its own <c>/tmp</c>.
/// </summary>
internal sealed class HandoverFolder : IDisposable
{
    private const int NameDigits = 16;

    private readonly SafeFileHandle _parent;
    private readonly SafeFileHandle _folder;
    private readonly string _name = $"alloctrace-attach-{RandomNumberGenerator.GetHexString(NameDigits, lowercase: true)}";
    private readonly List<(string Name, bool IsFolder)> _content = [];
    private readonly TargetStatus? _receiver;

    /// <summary>Makes the folder where temporary files belong.</summary>
    /// <param name="receiver">The process that uses the files.</param>
    /// <exception cref="IOException">It cannot be made. The message is one line.</exception>
    public HandoverFolder(TargetProcess receiver)
    {
        var parent = System.IO.Path.GetTempPath();
        var isSeen = receiver.SeesFolder(parent);
        if (!isSeen)
            parent = "/tmp";

        // A link of the container would be followed from this process's root.
        _parent = isSeen ? LibC.OpenFolder(parent) : LibC.OpenFolder(receiver.Seen(parent), follow: false);
        _receiver = receiver.Status.User != LibC.EffectiveUser() ? receiver.Status : null;
        try
        {
            _folder = LibC.MakeFolder(_parent, _name);
        }
        catch
        {
            _parent.Dispose();
            throw;
        }

        Path = System.IO.Path.Combine(parent, _name);
        if (_receiver is not null)
            LibC.Permit(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    /// <summary>The path as the receiver sees it. Others cannot guess it.</summary>
    public string Path { get; }

    /// <summary>Makes a file that only the receiver may open by its name.</summary>
    /// <returns>The file, for reading and writing; the caller closes it.</returns>
    /// <exception cref="IOException">It cannot be made. The message is one line.</exception>
    public SafeFileHandle Add(string name, ReadOnlySpan<byte> content)
    {
        var file = LibC.MakeFile(_folder, name);
        _content.Add((name, IsFolder: false));
        try
        {
            RandomAccess.Write(file, content, fileOffset: 0);
            if (_receiver is not null)
                LibC.GiveTo(file, _receiver.User, _receiver.Group);

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes a file that everybody may read and execute, and nobody may change.</summary>
    /// <exception cref="IOException">It cannot be made. The message is one line.</exception>
    public void AddReadable(string name, ReadOnlySpan<byte> content)
    {
        using var file = LibC.MakeFile(_folder, name);
        _content.Add((name, IsFolder: false));
        RandomAccess.Write(file, content, fileOffset: 0);
        LibC.Permit(file, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
    }

    /// <summary>Makes a folder in which the receiver makes files.</summary>
    /// <returns>The folder; the caller closes it.</returns>
    /// <exception cref="IOException">It cannot be made. The message is one line.</exception>
    public SafeFileHandle AddFolder(string name)
    {
        var folder = LibC.MakeFolder(_folder, name);
        _content.Add((name, IsFolder: true));
        if (_receiver is not null)
            LibC.GiveTo(folder, _receiver.User, _receiver.Group);

        return folder;
    }

    /// <summary>Removes a file. A process that maps it keeps it.</summary>
    public void Remove(string name) => LibC.TryRemove(_folder, name, isFolder: false);

    /// <summary>Removes the files, and each folder that is empty.</summary>
    public void Dispose()
    {
        foreach (var (name, isFolder) in _content)
            LibC.TryRemove(_folder, name, isFolder);

        _folder.Dispose();
        LibC.TryRemove(_parent, _name, isFolder: true);
        _parent.Dispose();
    }
}
