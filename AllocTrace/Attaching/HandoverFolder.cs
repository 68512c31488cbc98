using System.Security.Cryptography;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Attaching;

/// <summary>
/// A folder in which this process passes files to a process of another user. The folder stays this user's: the other one can read and write
/// the files that it was given, and can neither rename, replace nor add any. All files are made and removed by descriptor, so the path may
/// change meanwhile.
/// </summary>
internal sealed class HandoverFolder : IDisposable
{
    private const int NameDigits = 16;

    private readonly SafeFileHandle _parent;
    private readonly SafeFileHandle _folder;
    private readonly string _name = $"alloctrace-attach-{RandomNumberGenerator.GetHexString(NameDigits, lowercase: true)}";
    private readonly List<string> _files = [];
    private readonly TargetStatus? _receiver;

    /// <summary>Makes the folder where temporary files belong.</summary>
    /// <param name="receiver">The process whose user uses the files.</param>
    /// <exception cref="IOException">It cannot be made. The message is one line.</exception>
    public HandoverFolder(TargetStatus receiver)
    {
        var parent = System.IO.Path.GetTempPath();
        _receiver = receiver.User != LibC.EffectiveUser() ? receiver : null;
        _parent = LibC.OpenFolder(parent);
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

    /// <summary>The path, which others cannot guess.</summary>
    public string Path { get; }

    /// <summary>Makes a file that only the receiver may open by its name.</summary>
    /// <returns>The file, for reading and writing; the caller closes it.</returns>
    /// <exception cref="IOException">It cannot be made. The message is one line.</exception>
    public SafeFileHandle Add(string name, ReadOnlySpan<byte> content)
    {
        var file = LibC.MakeFile(_folder, name);
        _files.Add(name);
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

    /// <summary>Removes the files and the folder.</summary>
    public void Dispose()
    {
        foreach (var file in _files)
            LibC.TryRemove(_folder, file, isFolder: false);

        _folder.Dispose();
        LibC.TryRemove(_parent, _name, isFolder: true);
        _parent.Dispose();
    }
}
