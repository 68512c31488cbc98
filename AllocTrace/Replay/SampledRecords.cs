using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Replays the records of a session in which only some allocations were recorded: a block counts with its weight, the bytes and blocks that it stands
/// for (<see cref="BlockReplay.Weigh"/>). There are few such records, so nothing here is in a hurry.
/// </summary>
internal readonly struct SampledRecords(BlockReplay blocks, ThreadReplay thread, ProcessReplay process) : IRecordVisitor
{
    public void Expect(uint tag, ulong address)
    {
    }

    public bool Allocate(uint tag, ulong address, ulong blockBytes, uint stack)
    {
        if ((tag & 15) == WireFormat.MmapDomain)
        {
            blocks.Allocate(thread, tag, address, blockBytes, stack);
            return true;
        }

        blocks.CheckBytes(thread, blockBytes);
        var site = blocks.SiteOf(thread, tag & 15, stack);
        if (blocks.Renamed.TryRename(thread, tag, address, site) is { } renamed)
            blockBytes = renamed;
        else
            blocks.PutBlock(tag & 15, address, blockBytes, site);

        var (bytes, count) = blocks.Weigh(address, blockBytes);
        blocks.CountAllocation(site, bytes, count);
        if (!thread.Span.IsNone)
            blocks.Clock.AddToSpan(site, thread.Span, new MemoryAmount(bytes, count));

        thread.Span = default;
        blocks.CountCalls(tag, bytes, count);
        thread.Recent.Add(address); // for RenamedBlocks
        return true;
    }

    public bool Reallocate(uint tag, ulong address, ulong blockBytes, uint stack)
    {
        if ((tag & 15) == WireFormat.MmapDomain)
        {
            blocks.Mappings.Move(thread, tag, address, blockBytes, stack);
            return true;
        }

        EndRealloc(tag);
        return address == 0 || Allocate(tag, address, blockBytes, stack); // 0: the new block was not chosen
    }

    public void Free(uint tag, ulong address)
    {
        var site = blocks.Tables.Take(tag & 15, address, out var blockBytes);
        var (bytes, count) = site == 0 ? (0, 1) : blocks.Weigh(address, blockBytes);
        blocks.CountCalls(tag, bytes, count);
        if (site == 0)
            blocks.UnknownFrees += blocks.Tables.MayRename(tag & 15) ? 0 : 1;
        else
            End(site, bytes, count);
    }

    public void BeginRealloc(uint tag, ulong address) => blocks.BeginRealloc(thread, tag & 15, address);

    public void FailRealloc(uint tag, ulong address) => blocks.UndoRealloc(thread, tag & 15);

    public bool Unmap(uint tag, ulong address, ulong length) => process.Unmap(thread, tag, address, length);

    public void Mark(MarkKind kind, ulong argument, ulong monoNs) => process.Mark(kind, argument, monoNs);

    public void Lose(ulong events, ulong firstMonoNs, ulong lastMonoNs)
    {
        thread.Span = default; // its block may be what was lost
        process.Lose(thread, events, firstMonoNs, lastMonoNs);
    }

    public bool Age(ulong allocations)
    {
        thread.Age = allocations;
        return true;
    }

    public bool Context(SpanContext span)
    {
        thread.Span = span;
        return true;
    }

    public void Refuse(uint kind, long room) => throw process.NoSuchRecord(thread, kind, room);

    private void EndRealloc(uint tag)
    {
        ref var realloc = ref thread.Realloc(tag & 15);
        var (blockBytes, site) = realloc.Block;
        if (realloc.Open && site == 0)
            blocks.UnknownFrees++;

        if (realloc.Open && site != 0)
        {
            var (bytes, count) = blocks.Weigh(realloc.Address, blockBytes);
            End(site, bytes, count);
        }

        realloc = default;
    }

    private void End(uint site, long bytes, long count)
    {
        blocks.CountFree(site, bytes, count);
        if (thread.Age <= (ulong)process.TemporaryThreshold - 1)
            blocks.CountTemporary(thread, site, bytes, count);

        thread.Age = ulong.MaxValue;
    }
}
