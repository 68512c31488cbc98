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

    /// <summary>An address on the thread's stack.</summary>
    [FieldOffset(8)] public ulong Stack;

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

    /// <summary>The C library's own descriptor of the thread, at the upper end of its stack.</summary>
    [FieldOffset(88)] public ulong Descriptor;

    /// <summary>The state; another process may change it at any time.</summary>
    public ThreadSlotState CurrentState => (ThreadSlotState)Volatile.Read(ref State);

    /// <summary>The thread's name, as its process has written it so far.</summary>
    public string DecodeName()
    {
        fixed (byte* name = Name)
        {
            var bytes = new ReadOnlySpan<byte>(name, 16);
            var length = bytes.IndexOf((byte)0);
            return PythonText.Decode(length < 0 ? bytes : bytes[..length]);
        }
    }

    /// <summary>Gives the slot back to the traced process, which may use it for another thread at once.</summary>
    public void Free()
    {
        Drained = 0;
        DrainedSlab = 0;
        Volatile.Write(ref State, (uint)ThreadSlotState.Free);
    }
}
