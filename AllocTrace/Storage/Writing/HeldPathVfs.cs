using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// SQLite's access to files for names in held folders (<see cref="HeldFolders"/>). SQLite resolves links before it opens a file (os_unix.c,
/// <c>unixFullPathname</c>), which turns <c>/proc/self/fd/N/NAME</c> into a path that another user may have exchanged. This VFS leaves such names as they
/// are; all else it leaves to SQLite's own, which opens files with O_NOFOLLOW.
/// </summary>
internal static unsafe class HeldPathVfs
{
    private const string Name = "alloctrace-held";
    private const int Version = 3;

    private static readonly Lazy<string> _registered = new(Register);
    private static Vfs* _own;

    /// <summary>Returns the VFS that opens a database, or <see langword="null"/> for SQLite's default.</summary>
    public static string? For(string path) => HeldFolders.IsHeld(path) ? _registered.Value : null;

    /// <summary>Makes a VFS as SQLite's own but for its names. It lives as long as the process, as SQLite demands.</summary>
    private static string Register()
    {
        SQLitePCL.Batteries_V2.Init();
        _own = NativeSqlite.FindVfs(0);
        if (_own->Version != Version)
            throw new NotSupportedException($"this SQLite has version {_own->Version} of sqlite3_vfs, expected {Version}");

        var vfs = (Vfs*)NativeMemory.Alloc((nuint)sizeof(Vfs));
        *vfs = *_own;
        vfs->Next = null;
        vfs->Name = Marshal.StringToCoTaskMemUTF8(Name);
        vfs->FullPathname = &FullPathname;
        if (NativeSqlite.RegisterVfs(vfs, isDefault: 0) is not SQLITE_OK and var code)
            throw new IOException($"SQLite did not accept a VFS: error {code}");

        return Name;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FullPathname(Vfs* vfs, byte* path, int resultBytes, byte* result)
    {
        var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path);
        if (!name.StartsWith("/proc/self/fd/"u8))
            return _own->FullPathname(_own, path, resultBytes, result);

        if (name.Length >= resultBytes)
            return SQLITE_CANTOPEN;

        name.CopyTo(new Span<byte>(result, resultBytes));
        result[name.Length] = 0;
        return SQLITE_OK;
    }

    /// <summary><c>sqlite3_vfs</c>, version 3.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Vfs
    {
        public int Version, FileBytes, MostPathBytes;
        public Vfs* Next;
        public nint Name, AppData, Open, Delete, Access;
        public delegate* unmanaged[Cdecl]<Vfs*, byte*, int, byte*, int> FullPathname;
        public nint OpenLibrary, LibraryError, LibrarySymbol, CloseLibrary, Randomness, Sleep, CurrentTime, LastError;
        public nint CurrentTimeInt64, SetSystemCall, GetSystemCall, NextSystemCall;
    }
}
