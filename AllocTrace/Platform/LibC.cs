using System.Runtime.InteropServices;

namespace AllocTrace.Platform;

/// <summary>
/// Calls that the framework does not offer: mapping a range larger than its file (a session grows under its reader; the framework's mapped files
/// have a fixed size), the monotonic clock that the traced process stamps its records with, and starting a child that inherits terminal,
/// signals and descriptors as from a shell; and, to attach, signals and the rights of single threads.
/// </summary>
internal static unsafe partial class LibC
{
    public const int ProtRead = 1, ProtWrite = 2;
    public const int MapShared = 1, MapPrivate = 2, MapAnonymous = 0x20, MapNoReserve = 0x4000, RemapMayMove = 1;
    public const int ClockMonotonic = 1;
    public const int ENoEnt = 2, EIntr = 4, ENotDir = 20;
    public const int SigHup = 1, SigPipe = 13, SigTerm = 15, SigCont = 18, SigStop = 19, SigXfsz = 25;
    public const short SpawnSetSigDef = 4;

    /// <summary>Large enough for <c>posix_spawnattr_t</c> (336 bytes) and <c>sigset_t</c> (128 bytes) of glibc and musl.</summary>
    public const int SpawnAttributesBytes = 512, SignalSetBytes = 128;

    private const int SignalInformationBytes = 128;

    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint length, int protection, int flags, SafeHandle file, nint offset);

    [LibraryImport("libc", EntryPoint = "mremap", SetLastError = true)]
    public static partial nint Remap(nint address, nuint length, nuint newLength, int flags);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    public static partial int ClockGetTime(int clock, out TimeSpec time);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    public static partial int SpawnAttributesInit(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    public static partial int SpawnAttributesDestroy(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    public static partial int SpawnAttributesSetFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    public static partial int SpawnAttributesSetDefaultSignals(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "sigemptyset")]
    public static partial int SignalSetEmpty(byte* signals);

    [LibraryImport("libc", EntryPoint = "sigaddset")]
    public static partial int SignalSetAdd(byte* signals, int signal);

    /// <summary>Returns an errno value, 0 for success; searches PATH like a shell.</summary>
    [LibraryImport("libc", EntryPoint = "posix_spawnp")]
    public static partial int SpawnByPath(out int pid, byte* file, void* fileActions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    public static partial int WaitPid(int pid, out int status, int options);

    /// <summary>
    /// Waits until a child has ended, and leaves it to be waited for by <see cref="WaitPid"/>. Passes over its stops while another thread of this process
    /// holds it by ptrace: the system shows those to every wait of the process, whatever the options (wait_consider_task in kernel/exit.c).
    /// </summary>
    public static int WaitForEnd(int pid)
    {
        const int codeOffset = 8, dumped = 3; // CLD_EXITED, CLD_KILLED and CLD_DUMPED are 1 to 3
        var information = stackalloc byte[SignalInformationBytes];
        int result;
        while ((result = WaitId(1, pid, information, 4 | 0x1000000)) == 0 && *(int*)(information + codeOffset) > dumped) // P_PID; WEXITED | WNOWAIT
            Thread.Sleep(1);

        return result;
    }

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    private static partial int WaitId(int kind, int id, byte* information, int options);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint first, nint second);

    /// <summary>CLOCK_MONOTONIC in nanoseconds: the clock of all times in a session.</summary>
    public static ulong MonotonicNanoseconds()
    {
        ClockGetTime(ClockMonotonic, out var time);
        return (ulong)time.Seconds * 1_000_000_000 + (ulong)time.Nanoseconds;
    }

    /// <summary>The system's words for an errno value.</summary>
    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>Gives pages of the C heap that have no blocks back to the system, where the C library can do so (glibc).</summary>
    public static void TrimHeap()
    {
        try
        {
            MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // musl gives large blocks back by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint kept);
}
