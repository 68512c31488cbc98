using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_crash_allocation</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct CrashAllocation
{
    [FieldOffset(0)] public ulong Address;
    [FieldOffset(8)] public ulong Size;
    [FieldOffset(16)] public uint Kind;
    [FieldOffset(20)] public uint Domain;
    [FieldOffset(24)] public uint Stack;
}
