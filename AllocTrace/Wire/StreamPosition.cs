namespace AllocTrace.Wire;

/// <summary>Positions in a thread's stream of records: a slab's sequence number times <see cref="WireFormat.SlabBytes"/> plus an offset in that slab.</summary>
internal static unsafe class StreamPosition
{
    /// <summary>The position of a slab's first record, within the slab.</summary>
    public static ulong First { get; } = (uint)sizeof(SlabHeader);

    /// <summary>Returns the sequence number of the slab that contains a position, or ends at it.</summary>
    public static ulong SequenceOf(ulong position) => (position - 1) / WireFormat.SlabBytes;

    /// <summary>Returns the position at which a slab begins, its header included.</summary>
    public static ulong StartOf(ulong sequence) => sequence * WireFormat.SlabBytes;
}
