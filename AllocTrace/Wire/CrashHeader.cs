using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_crash</c>: what the handler of a fatal signal found. Counts are stored after what they count.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct CrashHeader
{
    public const int Bytes = 128;

    [FieldOffset(0)] public uint State;
    [FieldOffset(4)] public uint Signal;
    [FieldOffset(8)] public int Code;
    [FieldOffset(12)] public uint OsId;
    [FieldOffset(16)] public ulong Address;
    [FieldOffset(24)] public ulong AtNs;
    [FieldOffset(32)] public uint SenderPid;
    [FieldOffset(36)] public uint NestedSignal;
    [FieldOffset(40)] public uint Collecting;
    [FieldOffset(44)] public uint Threads;
    [FieldOffset(48)] public uint ThreadsInAll;
    [FieldOffset(52)] public uint Allocations;
    [FieldOffset(56)] public uint Frames;
    [FieldOffset(60)] public uint TextBytes;
    [FieldOffset(64)] public uint CFrames;
    [FieldOffset(68)] public uint CIsCut;
}
