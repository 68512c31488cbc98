using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Platform;

/// <summary>Who owns a file and what it is, without following links: statx(2), whose structure is the same everywhere. And folders that must be new.</summary>
internal static unsafe partial class LibC
{
    public const int ENFile = 23, EMFile = 24, ENoMem = 12;

    private const int AtCurrentFolder = -100, AtSymlinkNoFollow = 0x100, AtEmptyPath = 0x1000;
    private const uint BasicStatistics = 0x7FF;
    private const int TypeMask = 0xF000, PlainFile = 0x8000, Folder = 0x4000;

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public readonly struct FileStatus
    {
        [FieldOffset(16)] public readonly uint Links;
        [FieldOffset(20)] public readonly uint User;
        [FieldOffset(28)] private readonly ushort _mode;
        [FieldOffset(32)] private readonly ulong _inode;
        [FieldOffset(136)] private readonly ulong _device;

        public bool IsPlainFile => (_mode & TypeMask) == PlainFile;

        public bool IsFolder => (_mode & TypeMask) == Folder;

        public bool IsSameFile(in FileStatus other) => _inode == other._inode && _device == other._device;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>Fails when there is anything of that name.</summary>
    [LibraryImport("libc", EntryPoint = "mkdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int MakeFolder(string path, uint mode);

    /// <summary>How many descriptors this process may have.</summary>
    public static long DescriptorLimit()
    {
        const int descriptors = 7; // RLIMIT_NOFILE
        ulong* limit = stackalloc ulong[2];
        return GetLimit(descriptors, limit) == 0 ? (long)Math.Min(limit[0], int.MaxValue) : 1024;
    }

    /// <summary>What has a name, a link itself; <see langword="null"/>: nothing.</summary>
    public static FileStatus? StatusOf(string path)
    {
        FileStatus status;
        return Statx(AtCurrentFolder, path, AtSymlinkNoFollow, BasicStatistics, &status) == 0 ? status : null;
    }

    /// <summary>What a name leads to, over links; <see langword="null"/>: nothing.</summary>
    public static FileStatus? StatusBehind(string path)
    {
        FileStatus status;
        return Statx(AtCurrentFolder, path, 0, BasicStatistics, &status) == 0 ? status : null;
    }

    public static FileStatus? StatusOf(SafeFileHandle file)
    {
        FileStatus status;
        return Statx((int)file.DangerousGetHandle(), "", AtEmptyPath, BasicStatistics, &status) == 0 ? status : null;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, ulong* softAndHard);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, FileStatus* status);
}
