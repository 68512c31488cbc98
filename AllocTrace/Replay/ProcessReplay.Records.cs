using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using AllocTrace.Wire;

namespace AllocTrace.Replay;

// What each record does to blocks and counters: the inner loop.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>A larger block cannot exist: addresses have 48 bits, unless somebody asks for others with mmap.</summary>
    private const ulong LargestBlock = 1UL << 48;

    /// <summary>Replays a thread's records from <paramref name="at"/> to <paramref name="end"/>, or to the first BATCH before that.</summary>
    /// <param name="thread">The thread that wrote them.</param>
    /// <param name="at">The first record.</param>
    /// <param name="end">The end of what is committed, in the same slab.</param>
    /// <returns><paramref name="end"/>, or the BATCH record at which it stopped.</returns>
    /// <exception cref="InvalidTraceException">There is no such record; everything before it counts.</exception>
    public byte* Run(ThreadReplay thread, byte* at, byte* end) =>
        _estimate is null
            ? RecordReader.Read(at, end, new ExactRecords(this, thread))
            : RecordReader.Read(at, end, new SampledRecords(this, thread));

    private InvalidTraceException NoSuchRecord(ThreadReplay thread, uint kind, long room) =>
        _session.Damaged($"thread {thread.OsId} has a record of kind {kind} with {room} bytes left");

    private void Lose(ThreadReplay thread, ulong events, ulong firstMonoNs, ulong lastMonoNs)
    {
        if (events > Loss.Most - (ulong)thread.LostEvents)
            throw _session.Damaged($"thread {thread.OsId} has lost an impossible number of events");

        thread.AddLoss((long)events, SinceStart(firstMonoNs), SinceStart(lastMonoNs));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Allocate(ThreadReplay thread, uint tag, ulong address, ulong bytes, uint stack)
    {
        var domain = &thread.Domains[tag & 15];
        var site = domain->Sites.Find(stack);
        if (site == 0)
            site = AddSite(thread, tag & 15, stack);

        if (bytes >= AddressPage.WideBytes || !AddressTable.TryPut(domain->Pages, address, (uint)bytes, site))
            bytes = PutUnusual(thread, tag, address, bytes, site);

        CountAllocation(site, (long)bytes, 1);
        ref var operations = ref OperationsOf(tag);
        operations.Calls++;
        operations.Bytes += (long)bytes;
        thread.Recent.Add(address | domain->Tag);
    }

    /// <returns>The size that counts.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong PutUnusual(ThreadReplay thread, uint tag, ulong address, ulong bytes, uint site)
    {
        CheckBytes(thread, bytes);
        if ((tag & 15) == WireFormat.MmapDomain)
            PutMapping(address, bytes, site);
        else if (TryRename(thread, tag, address, site) is { } renamed)
            return renamed;
        else
            PutBlock(tag & 15, address, bytes, site);

        return bytes;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutBlock(uint domain, ulong address, ulong bytes, uint site)
    {
        var table = _tables[domain] ?? AddTable(domain);
        var replaced = table.Put(address, bytes, site, out var replacedBytes);
        if (replaced == 0)
            return;

        var (freedBytes, freedBlocks) = Weigh(address, replacedBytes);
        CountFree(replaced, freedBytes, freedBlocks); // its free was lost
    }

    private uint TakeBlock(uint domain, ulong address, out ulong bytes)
    {
        bytes = 0;
        return _tables[domain] is { } table ? table.Take(address, out bytes) : 0;
    }

    private AddressTable AddTable(uint domain)
    {
        var table = new AddressTable();
        _tables[domain] = table;
        foreach (var thread in _threads)
        {
            if (thread.Domains != null)
                thread.Domains[domain].Pages = PagesOf((int)domain);
        }

        return table;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Free(ThreadReplay thread, uint tag, ulong address)
    {
        var domain = &thread.Domains[tag & 15];
        var entry = AddressTable.TryTake(domain->Pages, address);
        if (entry == 0)
            FreeUnusual(thread, tag, address);
        else
            CountFree(thread, tag, address | domain->Tag, (uint)(entry >> 32), (uint)entry);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeUnusual(ThreadReplay thread, uint tag, ulong address)
    {
        var site = TakeBlock(tag & 15, address, out var bytes);
        if (site != 0)
        {
            CountFree(thread, tag, address | TagOf(tag & 15), site, (long)bytes);
            return;
        }

        _operations[(int)tag].Calls++;
        if (!MayRename(tag))
            UnknownFrees++;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountFree(ThreadReplay thread, uint tag, ulong taggedAddress, uint site, long bytes)
    {
        ref var operations = ref OperationsOf(tag);
        operations.Calls++;
        operations.Bytes += bytes;
        CountFree(site, bytes, 1);
        if (thread.Recent.Contains(taggedAddress))
            CountTemporary(thread, site, bytes, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountAllocation(uint site, long bytes, long blocks)
    {
        var counters = _counters + site;
        if (counters->Moment != _moment)
            Remember(site);

        counters->AllocatedBytes += bytes;
        counters->AllocatedBlocks += blocks;
        _liveBytes += bytes;
        _liveBlocks += blocks;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountFree(uint site, long bytes, long blocks)
    {
        if (_liveBytes > _highestBytes)
            NoteHigh();

        var counters = _counters + site;
        if (counters->Moment != _moment)
            Remember(site);

        counters->FreedBytes += bytes;
        counters->FreedBlocks += blocks;
        _liveBytes -= bytes;
        _liveBlocks -= blocks;
    }

    /// <summary>A tag is eight bits, and there are 256 entries.</summary>
    private ref OperationTotals OperationsOf(uint tag) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_operations), tag);

    /// <summary>Tells an address of a domain from the same one in other domains.</summary>
    private ulong TagOf(uint domain) => WireFormat.IsHeap((int)domain) || MayRename(domain) ? 0 : (ulong)domain << WireFormat.OperandBits;

    private void CountTemporary(ThreadReplay thread, uint site, long bytes, long blocks)
    {
        var counters = Sites.Counters + site;
        if (counters->Thread != thread.Index)
            return;

        counters->TemporaryBytes += bytes;
        counters->TemporaryBlocks += blocks;
    }

    private void BeginRealloc(ThreadReplay thread, uint domain, ulong address)
    {
        ref var realloc = ref thread.Realloc(domain);
        if (realloc.Open && realloc.Block.Site != 0)
        {
            var (freedBytes, freedBlocks) = Weigh(realloc.Address, realloc.Block.Bytes);
            CountFree(realloc.Block.Site, freedBytes, freedBlocks); // its end was lost
        }

        var site = TakeBlock(domain, address, out var bytes);
        realloc = new PendingRealloc { Open = true, Address = address, Block = new LiveBlock(bytes, site) };
    }

    private void UndoRealloc(ThreadReplay thread, uint domain, ulong address)
    {
        if (domain == WireFormat.MmapDomain)
        {
            UndoUnmap(thread, address);
            return;
        }

        ref var realloc = ref thread.Realloc(domain);
        var (bytes, site) = realloc.Block;
        if (realloc.Open && site != 0)
            PutBlock(domain, realloc.Address, bytes, site);

        realloc = default;
    }

    private void CommitRealloc(ThreadReplay thread, uint tag, ulong address, ulong bytes, uint stack)
    {
        if ((tag & 15) == WireFormat.MmapDomain)
        {
            Remap(thread, tag, address, bytes, stack);
            return;
        }

        ref var realloc = ref thread.Realloc(tag & 15);
        var (oldBytes, oldSite) = realloc.Block;
        if (realloc.Open && oldSite == 0)
            UnknownFrees++;

        if (oldSite != 0)
        {
            CountFree(oldSite, (long)oldBytes, 1);
            if (thread.Recent.Contains(realloc.Address | TagOf(tag & 15)))
                CountTemporary(thread, oldSite, (long)oldBytes, 1);
        }

        realloc = default;
        Allocate(thread, tag, address, bytes, stack);
    }

    private void CheckBytes(ThreadReplay thread, ulong bytes)
    {
        if (bytes > LargestBlock)
            throw _session.Damaged($"thread {thread.OsId} has a block of {bytes} bytes");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint AddSite(ThreadReplay thread, uint domain, uint stack)
    {
        // Node numbers 0 and 1 exist without a node.
        if (stack >= WireFormat.FirstNode && stack >= _session.NodeCount)
            throw _session.Damaged($"thread {thread.OsId} has a block of stack {stack}, which does not exist");

        var site = Sites.Add(thread.Index, (int)domain, stack);
        _counters = Sites.Counters;
        thread.Domains[domain].Sites.Add(stack, site);
        return site;
    }

    /// <summary>The records of a session in which every allocation was recorded.</summary>
    private readonly struct ExactRecords(ProcessReplay replay, ThreadReplay thread) : IRecordVisitor
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Allocate(uint tag, ulong address, ulong bytes, uint stack)
        {
            replay.Allocate(thread, tag, address, bytes, stack);
            return true;
        }

        public bool Reallocate(uint tag, ulong address, ulong bytes, uint stack)
        {
            replay.CommitRealloc(thread, tag, address, bytes, stack);
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Free(uint tag, ulong address) => replay.Free(thread, tag, address);

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

        public bool Age(ulong allocations) => throw replay.NoSuchRecord(thread, (uint)RecordKind.Age, sizeof(ulong));

        public void Refuse(uint kind, long room) => throw replay.NoSuchRecord(thread, kind, room);
    }
}
