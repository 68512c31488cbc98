using System.Runtime.InteropServices;

namespace AllocTrace.Platform;

/// <summary>Looking into another process: process_vm_readv(2) and ptrace(2).</summary>
internal static unsafe partial class LibC
{
    public const int PtraceInterrupt = 0x4207, PtraceSeize = 0x4206, PtraceDetach = 17, PtraceGetRegisters = 12;
    public const int PtraceEventStop = 128;
    public const int WaitNoHang = 1;
    public const int WaitAll = 0x40000000; // __WALL: threads too
    public const int EPerm = 1, ESrch = 3, ENoSys = 38;

    public struct IoVector
    {
        public ulong Address;
        public ulong Length;
    }

    [LibraryImport("libc", EntryPoint = "process_vm_readv", SetLastError = true)]
    public static partial nint ReadProcess(int pid, IoVector* to, ulong toCount, IoVector* from, ulong fromCount, ulong flags);

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    public static partial nint Ptrace(int request, int pid, nint address, nint data);
}
