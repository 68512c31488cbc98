using AllocTrace.Wire;

namespace AllocTrace.Replay;

// Sessions are input from elsewhere: sizes that could each be true, but not together, must not make sums run over.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>
    /// How many bytes of records may be replayed between two checks of the sums: as a slab more is replayed at once, what they add is below
    /// 2^61 bytes (a record of 24 bytes has <see cref="LargestBlock"/> at most).
    /// </summary>
    public const ulong CheckedEachBytes = WireFormat.SlabBytes;

    private const long MostBytes = 1L << 62, MostBlocks = 1L << 56;

    /// <summary>What it began with.</summary>
    private long _inheritedBytes;

    /// <summary>
    /// Finds out whether more was allocated than can have been. Each other sum is a part of this one, and the hot loop adds nothing for it:
    /// the calls are summed by kind anyway.
    /// </summary>
    /// <exception cref="InvalidTraceException">It was.</exception>
    public void CheckSums()
    {
        var (bytes, blocks) = (_inheritedBytes, 0L);
        foreach (ref readonly var operation in _operations.AsSpan((int)RecordKind.Malloc << 4, 3 << 4))
            (bytes, blocks) = (bytes + operation.Bytes, blocks + operation.Calls);

        if (bytes > MostBytes)
            throw _session.Damaged($"its records have more bytes than there can be ({bytes})");

        if (blocks > MostBlocks)
            throw _session.Damaged($"its records have more blocks than there can be ({blocks})");
    }
}
