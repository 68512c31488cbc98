using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Checks the sums of a replay. Sessions are input from elsewhere: sizes that could each be true, but not together, must not make sums run over.
/// </summary>
internal static unsafe class ReplaySums
{
    /// <summary>
    /// The number of bytes of records that may be replayed between two checks of the sums: as a slab more is replayed at once, what they add is below
    /// 2^61 bytes (a record of 24 bytes has <see cref="BlockReplay.LargestBlock"/> at most).
    /// </summary>
    public const ulong CheckedEachBytes = WireFormat.SlabBytes;

    private const long MostBytes = 1L << 62, MostBlocks = 1L << 56;

    /// <summary>The indices of the three kinds of allocations among the operations.</summary>
    private const int FirstAllocation = (int)RecordKind.Malloc << 4, Allocations = 3 << 4;

    /// <summary>
    /// Finds out whether more was allocated than can have been. Each other sum is a part of this one, and the hot loop adds nothing for it:
    /// the calls are summed by kind anyway.
    /// </summary>
    /// <param name="session">The session that the records are from.</param>
    /// <param name="operations">The calls by the first byte of their records.</param>
    /// <param name="inheritedBytes">The sum with which the replay began.</param>
    /// <exception cref="InvalidTraceException">It was.</exception>
    public static void Check(SessionFile session, ReadOnlySpan<OperationTotals> operations, long inheritedBytes)
    {
        var (bytes, blocks) = (inheritedBytes, 0L);
        foreach (ref readonly var operation in operations.Slice(FirstAllocation, Allocations))
            (bytes, blocks) = (bytes + operation.Bytes, blocks + operation.Calls);

        if (bytes > MostBytes)
            throw session.Damaged($"its records have an impossible number of bytes ({bytes})");

        if (blocks > MostBlocks)
            throw session.Damaged($"its records have an impossible number of blocks ({blocks})");
    }

    /// <summary>
    /// Returns true if a restored replay adds up: the sites allocated as much as the calls did, and the rest of it is live.
    /// </summary>
    public static bool AddUp(BlockReplay replay, InheritedSite[] inherited)
    {
        Int128 allocatedBytes = 0, allocatedBlocks = 0, liveBytes = 0, liveBlocks = 0;
        for (var site = 1u; site < replay.Sites.End; site++)
        {
            ref readonly var counters = ref replay.Sites.Counters[site];
            var isBytes = counters.AllocatedBytes >= counters.FreedBytes && counters.FreedBytes >= counters.TemporaryBytes && counters.TemporaryBytes >= 0;
            var isBlocks = counters.AllocatedBlocks >= counters.FreedBlocks && counters.FreedBlocks >= counters.TemporaryBlocks && counters.TemporaryBlocks >= 0;
            if (!isBytes || !isBlocks)
                return false;

            (allocatedBytes, allocatedBlocks) = (allocatedBytes + counters.AllocatedBytes, allocatedBlocks + counters.AllocatedBlocks);
            (liveBytes, liveBlocks) = (liveBytes + counters.LiveBytes, liveBlocks + counters.LiveBlocks);
        }

        var (bytes, blocks) = ((Int128)0, (Int128)0);
        foreach (ref readonly var site in inherited.AsSpan())
            (bytes, blocks) = (bytes + site.Bytes, blocks + site.Blocks);

        if (bytes > MostBytes || Array.Exists(inherited, site => site.Bytes < 0 || site.Blocks < 0) || Array.Exists(replay.Operations, operation => operation.Calls < 0 || operation.Bytes < 0))
            return false;

        foreach (ref readonly var operation in replay.Operations.AsSpan(FirstAllocation, Allocations))
            (bytes, blocks) = (bytes + operation.Bytes, blocks + operation.Calls);

        return (allocatedBytes, allocatedBlocks) == (bytes, blocks) && (liveBytes, liveBlocks) == (replay.LiveBytes, replay.LiveBlocks) && bytes < 2 * (Int128)MostBytes - 1;
    }
}
