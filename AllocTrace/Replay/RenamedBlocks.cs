using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Gives blocks of the C heap to the domains that extensions name for them (<c>PyTraceMalloc_Track</c>, with the option <c>native</c>): one block, not
/// two. <c>PyTraceMalloc_Untrack</c> then ends nothing, because the memory is still held: numpy keeps small blocks for its next arrays.
/// </summary>
internal sealed unsafe class RenamedBlocks(BlockReplay blocks)
{
    /// <summary>
    /// Gives a block another domain and stack. What the thread has just got from malloc is the same allocation; a block that had a name before is
    /// handed out again.
    /// </summary>
    /// <param name="thread">The thread that names it.</param>
    /// <param name="tag">The record's tag: its domain is the block's new one.</param>
    /// <param name="address">The address of the block.</param>
    /// <param name="site">The new site.</param>
    /// <returns>The block's bytes; <see langword="null"/> when there is no such block.</returns>
    public ulong? TryRename(ThreadReplay thread, uint tag, ulong address, uint site)
    {
        if (!blocks.Tables.MayRename(tag & 15))
            return null;

        if ((tag & 15) == WireFormat.OtherDomains)
            address &= (1UL << WireFormat.OtherShift) - 1;

        var old = blocks.Tables.Find(WireFormat.MallocDomain, address, out var blockBytes);
        if (old == 0)
            return null;

        var domain = blocks.Sites.Counters[old].Domain;
        if (domain != WireFormat.MallocDomain && !WireFormat.IsTracked(domain))
            return null; // Python's own: then both count, as for tracemalloc

        var (bytes, count) = blocks.Weigh(address, blockBytes);
        if (domain == WireFormat.MallocDomain && thread.Recent.IsNewest(address))
        {
            blocks.WithdrawAllocation(old, bytes, count);
            blocks.CountCalls(tag, -bytes, -count); // the call counts as malloc's
        }
        else
        {
            blocks.CountFree(old, bytes, count);
        }

        blocks.Tables.Put(WireFormat.MallocDomain, address, blockBytes, site, out _);
        return blockBytes;
    }
}
