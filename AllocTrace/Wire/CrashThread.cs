using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_crash_thread</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct CrashThread
{
    public const int Bytes = 56, NameBytes = 16;

    /// <summary>Flags: the thread received the signal; its stack could not be read to the end.</summary>
    public const uint Crashed = 1, Faulted = 2;

    /// <summary>The runtime of a thread without a Python state.</summary>
    public const uint NoRuntime = uint.MaxValue;

    [FieldOffset(0)] public ulong Identifier;
    [FieldOffset(8)] public long Interpreter;
    [FieldOffset(16)] public uint OsId;
    [FieldOffset(20)] public uint Runtime;
    [FieldOffset(24)] public uint FirstFrame;
    [FieldOffset(28)] public uint Frames;
    [FieldOffset(32)] public uint Depth;
    [FieldOffset(36)] public uint Flags;
    [FieldOffset(40)] public fixed byte Name[NameBytes];
}
