using AllocTrace.Wire;

namespace AllocTrace.Replay;

// The records of a session in which only some allocations were recorded: what each stands for is counted. They are few, so nothing here is
// in a hurry.
internal sealed unsafe partial class ProcessReplay
{
    private readonly SampleEstimate? _estimate;

    private void AllocateSampled(ThreadReplay thread, uint tag, ulong address, ulong blockBytes, uint stack)
    {
        if ((tag & 15) == WireFormat.MmapDomain)
        {
            Allocate(thread, tag, address, blockBytes, stack); // mappings are few: every one is recorded
            return;
        }

        CheckBytes(thread, blockBytes);
        var site = thread.Domains[tag & 15].Sites.Find(stack);
        if (site == 0)
            site = AddSite(thread, tag & 15, stack);

        if (TryRename(thread, tag, address, site) is { } renamed)
            blockBytes = renamed;
        else
            PutBlock(tag & 15, address, blockBytes, site);

        var (bytes, blocks) = Weigh(address, blockBytes);
        CountAllocation(site, bytes, blocks);
        ref var operations = ref OperationsOf(tag);
        operations.Calls += blocks;
        operations.Bytes += bytes;
    }

    private void FreeSampled(ThreadReplay thread, uint tag, ulong address)
    {
        var site = TakeBlock(tag & 15, address, out var blockBytes);
        var (bytes, blocks) = site == 0 ? (0, 1) : Weigh(address, blockBytes);
        ref var operations = ref OperationsOf(tag);
        operations.Calls += blocks;
        operations.Bytes += bytes;
        if (site == 0)
            UnknownFrees += MayRename(tag) ? 0 : 1;
        else
            EndSampled(thread, site, bytes, blocks);
    }

    private void EndRealloc(ThreadReplay thread, uint tag)
    {
        ref var realloc = ref thread.Realloc(tag & 15);
        var (blockBytes, site) = realloc.Block;
        if (realloc.Open && site == 0)
            UnknownFrees++;

        if (realloc.Open && site != 0)
        {
            var (bytes, blocks) = Weigh(realloc.Address, blockBytes);
            EndSampled(thread, site, bytes, blocks);
        }

        realloc = default;
    }

    private void EndSampled(ThreadReplay thread, uint site, long bytes, long blocks)
    {
        CountFree(site, bytes, blocks);
        if (thread.Age <= (ulong)_temporaryThreshold - 1)
            CountTemporary(thread, site, bytes, blocks);

        thread.Age = ulong.MaxValue;
    }

    /// <summary>Bytes and blocks that a block stands for: itself, when every allocation was recorded.</summary>
    private (long Bytes, long Blocks) Weigh(ulong address, ulong blockBytes) => _estimate is null ? ((long)blockBytes, 1) : _estimate.Of(address, blockBytes);

    /// <summary>The records of a session in which only some allocations were recorded.</summary>
    private readonly struct SampledRecords(ProcessReplay replay, ThreadReplay thread) : IRecordVisitor
    {
        public bool Allocate(uint tag, ulong address, ulong blockBytes, uint stack)
        {
            replay.AllocateSampled(thread, tag, address, blockBytes, stack);
            return true;
        }

        public bool Reallocate(uint tag, ulong address, ulong blockBytes, uint stack)
        {
            if ((tag & 15) == WireFormat.MmapDomain)
            {
                replay.Remap(thread, tag, address, blockBytes, stack);
                return true;
            }

            replay.EndRealloc(thread, tag);
            return address == 0 || Allocate(tag, address, blockBytes, stack); // 0: the new block was not chosen
        }

        public void Free(uint tag, ulong address) => replay.FreeSampled(thread, tag, address);

        public void BeginRealloc(uint tag, ulong address) => replay.BeginRealloc(thread, tag & 15, address);

        public void FailRealloc(uint tag, ulong address) => replay.UndoRealloc(thread, tag & 15, address);

        public bool Unmap(uint tag, ulong address, ulong length)
        {
            replay.Unmap(thread, tag, address, length);
            return true;
        }

        public void Arena(uint tag, ulong address, ulong length)
        {
            // No block, and none of the process's figures.
        }

        public void Mark(MarkKind kind, ulong argument, ulong monoNs) => replay.Mark(kind, argument, monoNs);

        public void Lose(ulong events, ulong firstMonoNs, ulong lastMonoNs) => replay.Lose(thread, events, firstMonoNs, lastMonoNs);

        public bool Age(ulong allocations)
        {
            thread.Age = allocations;
            return true;
        }

        public void Refuse(uint kind, long room) => throw replay.NoSuchRecord(thread, kind, room);
    }
}
