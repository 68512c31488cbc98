using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Platform;

/// <summary>
/// Opens, makes and removes by descriptor, for folders and names that other users may exchange at any time. Never waits for the other end
/// of a pipe.
/// </summary>
internal static unsafe partial class LibC
{
    private const int OpenReadWrite = 2, OpenCreate = 0x40, OpenExclusive = 0x80, OpenNoTerminal = 0x100, OpenNonBlocking = 0x800, OpenCloseOnExec = 0x80000;
    private const int AtRemoveFolder = 0x200;

    // These differ between processors: asm-generic has them as arm64's, x86 has its own.
    private static readonly bool _isX86 = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;
    private static readonly int _openFolder = _isX86 ? 0x10000 : 0x4000;
    private static readonly int _openNoFollow = _isX86 ? 0x20000 : 0x8000;

    /// <summary>Opens a file that is there, without waiting and without becoming a terminal's process.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="access">The kind of access.</param>
    /// <param name="follow">True to follow a link.</param>
    /// <exception cref="IOException">It cannot be opened, or is a link that is not to be followed. The message is one line.</exception>
    public static SafeFileHandle OpenPresent(string path, FileAccess access, bool follow)
    {
        var flags = (access == FileAccess.Read ? 0 : OpenReadWrite) | OpenNoTerminal | OpenNonBlocking | OpenCloseOnExec | (follow ? 0 : _openNoFollow);
        return Opened(OpenAt(AtCurrentFolder, path, flags, 0), path);
    }

    /// <summary>Opens a folder.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="follow">True if a link is followed.</param>
    /// <exception cref="IOException">It cannot be opened, or is a link that is not to be followed. The message is one line.</exception>
    public static SafeFileHandle OpenFolder(string path, bool follow = true) =>
        Opened(OpenAt(AtCurrentFolder, path, _openFolder | OpenCloseOnExec | (follow ? 0 : _openNoFollow), 0), path);

    /// <summary>Makes a folder in another and opens it; only its user may look into it.</summary>
    /// <exception cref="IOException">It cannot be made, or was exchanged meanwhile. The message is one line.</exception>
    public static SafeFileHandle MakeFolder(SafeFileHandle parent, string name)
    {
        if (MakeFolderAt((int)parent.DangerousGetHandle(), name, 0x1C0) != 0)
            throw Failure(name);

        var folder = Opened(OpenAt((int)parent.DangerousGetHandle(), name, _openFolder | _openNoFollow | OpenCloseOnExec, 0), name);
        if (StatusOf(folder)?.User == EffectiveUser())
            return folder;

        folder.Dispose();
        throw new IOException($"{name}: it was exchanged while it was made");
    }

    /// <summary>Makes a file in a folder; only its user may open it.</summary>
    /// <exception cref="IOException">It cannot be made: for instance because there is something of that name. The message is one line.</exception>
    public static SafeFileHandle MakeFile(SafeFileHandle folder, string name) =>
        Opened(OpenAt((int)folder.DangerousGetHandle(), name, OpenReadWrite | OpenCreate | OpenExclusive | _openNoFollow | OpenCloseOnExec, 0x180), name);

    /// <summary>Removes a file's name, or an empty folder's, from a folder. Links are not followed.</summary>
    public static bool TryRemove(SafeFileHandle folder, string name, bool isFolder) =>
        UnlinkAt((int)folder.DangerousGetHandle(), name, isFolder ? AtRemoveFolder : 0) == 0;

    /// <summary>Gives an open file to another user.</summary>
    /// <exception cref="IOException">It cannot be given away. The message is one line.</exception>
    public static void GiveTo(SafeFileHandle file, uint user, uint group)
    {
        if (ChangeOwner(file, user, group) != 0)
            throw Failure("a file of this process");
    }

    /// <summary>Says who may do what with an open file or folder.</summary>
    /// <exception cref="IOException">It cannot be changed. The message is one line.</exception>
    public static void Permit(SafeFileHandle file, UnixFileMode mode)
    {
        if (ChangeMode(file, (uint)mode) != 0)
            throw Failure("a file of this process");
    }

    private static SafeFileHandle Opened(int descriptor, string name) => descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failure(name);

    private static IOException Failure(string name)
    {
        var error = Marshal.GetLastPInvokeError();
        return error == ENoEnt ? new FileNotFoundException($"no such file: {name}", name) : new IOException($"{name}: {Describe(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "openat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenAt(int folder, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int MakeFolderAt(int folder, string name, uint mode);

    [LibraryImport("libc", EntryPoint = "unlinkat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int UnlinkAt(int folder, string name, int flags);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int ChangeOwner(SafeHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int ChangeMode(SafeHandle file, uint mode);
}
