using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Platform;

/// <summary>Locks and leases of fcntl(2): known to every process that opens a file, in whichever namespaces it runs.</summary>
internal static unsafe partial class LibC
{
    private const int ControlSignal = 10, ControlOpenFileGetLock = 36, ControlOpenFileSetLock = 37, ControlLease = 1024; // F_SETSIG, F_OFD_GETLK, F_OFD_SETLK, F_SETLEASE
    private const short LockWrite = 1, LockNone = 2;
    public const int EAgain = 11;

    private const int EAcces = 13, SigUrg = 23;

    /// <summary>Locks one byte of a file for as long as the descriptor, or a copy of it, is open (F_OFD_SETLK).</summary>
    /// <returns>True if this descriptor has the lock; <see langword="null"/>: the file system has no such locks.</returns>
    public static bool? TryLockByte(SafeFileHandle file, long at) => SetLock(file, at, LockWrite) switch
    {
        0 => true,
        EAgain or EAcces => false,
        _ => null,
    };

    /// <summary>Gives a lock of <see cref="TryLockByte"/> back.</summary>
    public static void UnlockByte(SafeFileHandle file, long at) => SetLock(file, at, LockNone);

    /// <summary>Returns true if another descriptor has locked a byte.</summary>
    /// <returns><see langword="null"/>: the file system has no such locks.</returns>
    public static bool? IsByteLocked(SafeFileHandle file, long at)
    {
        var wanted = new FileLock { Type = LockWrite, Start = at, Length = 1 };
        return Control(file, ControlOpenFileGetLock, (nint)(&wanted)) == 0 ? wanted.Type != LockNone : null;
    }

    /// <summary>
    /// Returns true if another descriptor or a mapping has the file open. A write lease is granted only if none has, and a mapping counts
    /// as open after its descriptor was closed (check_conflicting_open of fs/locks.c). The lease is released at once; a process that opens
    /// the file meanwhile waits until then.
    /// </summary>
    /// <returns>
    /// <see langword="null"/> if the system does not show it: another user owns the file, or the file system has no leases.
    /// </returns>
    public static bool? IsOpenElsewhere(SafeFileHandle file)
    {
        _ = Control(file, ControlSignal, SigUrg); // the signal of a lease that is broken: ignored by default, where SIGIO would end this process
        if (Control(file, ControlLease, LockWrite) == 0)
        {
            _ = Control(file, ControlLease, LockNone);
            return false;
        }

        return Marshal.GetLastPInvokeError() == EAgain ? true : null;
    }

    /// <summary>Takes the one lock of a whole file that <see cref="FileShare.None"/> takes (flock).</summary>
    public static bool TryLockFile(SafeFileHandle file) => Flock(file, 2 | 4) == 0; // LOCK_EX | LOCK_NB

    [LibraryImport("libc", EntryPoint = "flock")]
    private static partial int Flock(SafeHandle file, int operation);

    private static int SetLock(SafeFileHandle file, long at, short type)
    {
        var wanted = new FileLock { Type = type, Start = at, Length = 1 };
        return Control(file, ControlOpenFileSetLock, (nint)(&wanted)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeHandle file, int command, nint argument);

    /// <summary><c>struct flock</c> with 64-bit offsets.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid; // 0, as F_OFD_… want it
    }
}
