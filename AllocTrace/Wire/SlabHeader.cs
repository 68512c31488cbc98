using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary><c>struct alloctrace_slab</c>: the head of a slab; records follow it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct SlabHeader
{
    [FieldOffset(0)] public uint Thread;
    [FieldOffset(4)] public uint Sequence;

    /// <summary>The thread's next slab; valid once the thread's cursor is beyond this one, like <see cref="Used"/>.</summary>
    [FieldOffset(8)] public uint Next;

    /// <summary>Bytes used, header included.</summary>
    [FieldOffset(12)] public uint Used;

    /// <summary>The next free slab plus one.</summary>
    [FieldOffset(16)] public uint NextFree;

    [FieldOffset(24)] public ulong StartedNs;
    [FieldOffset(32)] public ulong Ticket;
}
