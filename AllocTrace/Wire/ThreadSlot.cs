using System.Runtime.InteropServices;

namespace AllocTrace.Wire;

/// <summary>
/// <c>struct alloctrace_thread</c>: one thread of the traced process. A stream position is a slab's sequence number times
/// <see cref="WireFormat.SlabBytes"/> plus an offset in that slab.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal unsafe struct ThreadSlot
{
    /// <summary>Stream position after the last committed record.</summary>
    [FieldOffset(0)] public ulong Cursor;

    [FieldOffset(16)] public uint State;
    [FieldOffset(20)] public uint FirstSlab;
    [FieldOffset(24)] public uint OsId;
    [FieldOffset(28)] public uint Incarnation;
    [FieldOffset(32)] public ulong StartedNs;
    [FieldOffset(40)] public ulong EndedNs;
    [FieldOffset(48)] public fixed byte Name[16];

    /// <summary>Written by the collector: stream position up to which records were replayed.</summary>
    [FieldOffset(64)] public ulong Drained;

    /// <summary>Written by the collector: the slab of <see cref="Drained"/>.</summary>
    [FieldOffset(72)] public uint DrainedSlab;

    [FieldOffset(80)] public ulong LostEvents;
}
