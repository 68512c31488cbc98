using AllocTrace.Wire;

namespace AllocTrace.Replay;

// The records of a session in which only some allocations were recorded: what each stands for is counted. They are few, so nothing here is
// in a hurry.
internal sealed unsafe partial class ProcessReplay
{
    private readonly SampleEstimate? _estimate;

    private byte* RunSampled(ThreadReplay thread, byte* at, byte* end)
    {
        while (at < end)
        {
            var word = *(ulong*)at;
            var tag = (uint)(word >> WireFormat.OperandBits);
            var address = word & WireFormat.OperandMask;
            var room = end - at;
            switch ((RecordKind)(tag >> 4))
            {
                case RecordKind.Malloc or RecordKind.Calloc when room >= 16:
                    AllocateSampled(thread, tag, address, *(uint*)(at + 8), *(uint*)(at + 12));
                    at += 16;
                    break;

                case RecordKind.MallocWide or RecordKind.CallocWide or RecordKind.ReallocWide when room >= 24:
                    var size = *(ulong*)(at + 16);
                    if (size > LargestBlock)
                        throw _session.Damaged($"thread {thread.OsId} has a block of {size} bytes");

                    if ((RecordKind)(tag >> 4) == RecordKind.ReallocWide)
                        EndRealloc(thread, tag);

                    tag -= WideKinds << 4;
                    AllocateSampled(thread, tag, address, size, *(uint*)(at + 12));
                    at += 24;
                    break;

                case RecordKind.Free:
                    FreeSampled(thread, tag, address);
                    at += 8;
                    break;

                case RecordKind.Realloc when room >= 16:
                    EndRealloc(thread, tag);
                    if (address != 0)
                        AllocateSampled(thread, tag, address, *(uint*)(at + 8), *(uint*)(at + 12));
                    at += 16;
                    break;

                case RecordKind.Age:
                    thread.Age = address;
                    at += 8;
                    break;

                default:
                    // What counts no block is the same in every session.
                    var next = RunOther(thread, at, end);
                    if (next == at)
                        return at;

                    at = next;
                    break;
            }
        }

        return at;
    }

    private void AllocateSampled(ThreadReplay thread, uint tag, ulong address, ulong size, uint stack)
    {
        var site = thread.Domains[tag & 15].Sites.Find(stack);
        if (site == 0)
            site = AddSite(thread, tag & 15, stack);

        PutBlock(tag & 15, address, size, site);
        var (bytes, blocks) = Weigh(address, size);
        CountAllocation(site, bytes, blocks);
        ref var operations = ref OperationsOf(tag);
        operations.Calls += blocks;
        operations.Bytes += bytes;
    }

    private void FreeSampled(ThreadReplay thread, uint tag, ulong address)
    {
        var site = TakeBlock(tag & 15, address, out var size);
        var (bytes, blocks) = site == 0 ? (0, 1) : Weigh(address, size);
        ref var operations = ref OperationsOf(tag);
        operations.Calls += blocks;
        operations.Bytes += bytes;
        if (site == 0)
            UnknownFrees++;
        else
            EndSampled(thread, site, bytes, blocks);
    }

    private void EndRealloc(ThreadReplay thread, uint tag)
    {
        ref var realloc = ref thread.Realloc(tag & 15);
        var (size, site) = realloc.Block;
        if (realloc.Open && site == 0)
            UnknownFrees++;

        if (realloc.Open && site != 0)
        {
            var (bytes, blocks) = Weigh(realloc.Address, size);
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
    private (long Bytes, long Blocks) Weigh(ulong address, ulong size) => _estimate is null ? ((long)size, 1) : _estimate.Of(address, size);
}
