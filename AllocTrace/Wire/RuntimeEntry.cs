using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_runtime</c>: a CPython in the process. Strings are references into the strings' extents.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct RuntimeEntry
{
    public const int Bytes = 40;

    [FieldOffset(0)] public ulong HookedNs;
    [FieldOffset(8)] public uint Library;
    [FieldOffset(12)] public uint Version;
    [FieldOffset(16)] public uint Hex;
    [FieldOffset(20)] public uint Found;
    [FieldOffset(24)] public uint WasInitialized;
    [FieldOffset(28)] public uint Stacks;
    [FieldOffset(32)] public uint StacksReason;
}
