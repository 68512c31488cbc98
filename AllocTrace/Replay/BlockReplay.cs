using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Counts what records do to blocks: the live blocks, the counters of sites and of calls, the live sums. This is the inner loop of a replay; it does not
/// allocate once the program's pages and sites have been seen.
/// </summary>
/// <remarks>
/// A moment passes with each new peak and each new slice. One comparison for each event (<see cref="ReplayedSite.Moment"/>) finds out whether
/// <see cref="ReplayClock"/> has to remember the site before it changes.
/// </remarks>
internal sealed unsafe class BlockReplay : IDisposable
{
    /// <summary>The limit of a block's size: addresses have 48 bits, unless the program requests others from mmap.</summary>
    public const ulong LargestBlock = 1UL << 48;

    private readonly SessionFile _session;
    private readonly SampleEstimate? _estimate;

    /// <summary>By the first byte of a record: kind and domain.</summary>
    private readonly OperationTotals[] _operations = new OperationTotals[256];

    /// <summary><see cref="ReplayedSites.Counters"/> of <see cref="Sites"/>.</summary>
    private ReplayedSite* _counters;

    private long _liveBytes;
    private long _liveBlocks;

    /// <summary>The largest amount of live bytes in the current slice, up to the last decrease.</summary>
    private long _highestBytes;

    private ulong _moment = 1;

    /// <param name="session">Says how many stacks there are, and whether blocks are samples; not owned.</param>
    /// <param name="threads">All threads of the process, also those to come.</param>
    public BlockReplay(SessionFile session, IReadOnlyList<ThreadReplay> threads)
    {
        _session = session;
        _estimate = session.Header->SampleBytes == 0 ? null : new SampleEstimate(session.Header->SampleBytes);
        _counters = Sites.Counters;
        Clock = new ReplayClock(Sites);
        Tables = new BlockTables(threads, hasNative: session.Header->Native != 0);
        Renamed = new RenamedBlocks(this);
        Mappings = new MappingReplay(this);
    }

    public ReplayedSites Sites { get; } = new();

    public ReplayClock Clock { get; }

    public BlockTables Tables { get; }

    /// <summary>The blocks of the C heap that an extension gives a domain.</summary>
    public RenamedBlocks Renamed { get; }

    /// <summary>The blocks of the domain mmap.</summary>
    public MappingReplay Mappings { get; }

    public OperationTotals[] Operations => _operations;

    public long LiveBytes => _liveBytes;

    public long LiveBlocks => _liveBlocks;

    /// <summary>Frees, and reallocations, of blocks that were not known.</summary>
    public long UnknownFrees { get; set; }

    /// <summary>True if blocks are samples, which stand for others.</summary>
    public bool IsSampled => _estimate is not null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Allocate(ThreadReplay thread, uint tag, ulong address, ulong bytes, uint stack)
    {
        var domain = &thread.Domains[tag & 15];
        var site = domain->Sites.Find(stack);
        if (site == 0)
            site = AddSite(thread, tag & 15, stack);

        if (bytes >= AddressPage.WideBytes || !AddressTable.TryPut(domain->Pages, address, (uint)bytes, site))
            bytes = PutUnusual(thread, tag, address, bytes, site);

        CountAllocation(site, (long)bytes, 1);
        CountCalls(tag, (long)bytes, 1);
        thread.Recent.Add(address | domain->Tag);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(ThreadReplay thread, uint tag, ulong address)
    {
        var domain = &thread.Domains[tag & 15];
        var entry = AddressTable.TryTake(domain->Pages, address);
        if (entry == 0)
            FreeUnusual(thread, tag, address);
        else
            CountFree(thread, tag, address | domain->Tag, (uint)(entry >> 32), (uint)entry);
    }

    /// <summary>Begins a reallocation: the old block leaves the table and still counts as live.</summary>
    public void BeginRealloc(ThreadReplay thread, uint domain, ulong address)
    {
        ref var realloc = ref thread.Realloc(domain);
        if (realloc.Open && realloc.Block.Site != 0)
        {
            var (freedBytes, freedBlocks) = Weigh(realloc.Address, realloc.Block.Bytes);
            CountFree(realloc.Block.Site, freedBytes, freedBlocks); // its end was lost
        }

        var site = Tables.Take(domain, address, out var bytes);
        realloc = new PendingRealloc { Open = true, Address = address, Block = new LiveBlock(bytes, site) };
    }

    /// <summary>The reallocation failed: the old block is unchanged.</summary>
    public void UndoRealloc(ThreadReplay thread, uint domain)
    {
        if (domain == WireFormat.MmapDomain)
        {
            Mappings.Undo(thread);
            return;
        }

        ref var realloc = ref thread.Realloc(domain);
        var (bytes, site) = realloc.Block;
        if (realloc.Open && site != 0)
            PutBlock(domain, realloc.Address, bytes, site);

        realloc = default;
    }

    /// <summary>The reallocation succeeded: the old block ends, and there is a new one.</summary>
    public void CommitRealloc(ThreadReplay thread, uint tag, ulong address, ulong bytes, uint stack)
    {
        ref var realloc = ref thread.Realloc(tag & 15);
        var (oldBytes, oldSite) = realloc.Block;
        if (realloc.Open && oldSite == 0)
            UnknownFrees++;

        if (oldSite != 0)
        {
            CountFree(oldSite, (long)oldBytes, 1);
            if (thread.Recent.Contains(realloc.Address | Tables.TagOf(tag & 15)))
                CountTemporary(thread, oldSite, (long)oldBytes, 1);
        }

        realloc = default;
        Allocate(thread, tag, address, bytes, stack);
    }

    /// <summary>Returns the site of a thread, a domain and a stack.</summary>
    public uint SiteOf(ThreadReplay thread, uint domain, uint stack)
    {
        var site = thread.Domains[domain].Sites.Find(stack);
        return site != 0 ? site : AddSite(thread, domain, stack);
    }

    /// <summary>Notes a block in its table. If another one is there, its free was lost.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void PutBlock(uint domain, ulong address, ulong bytes, uint site)
    {
        var replaced = Tables.Put(domain, address, bytes, site, out var replacedBytes);
        if (replaced == 0)
            return;

        var (freedBytes, freedBlocks) = Weigh(address, replacedBytes);
        CountFree(replaced, freedBytes, freedBlocks);
    }

    /// <summary>Returns the bytes and blocks that a block stands for: itself, if every allocation was recorded.</summary>
    public (long Bytes, long Blocks) Weigh(ulong address, ulong blockBytes) => _estimate is null ? ((long)blockBytes, 1) : _estimate.Of(address, blockBytes);

    /// <exception cref="InvalidTraceException">There is no such block.</exception>
    public void CheckBytes(ThreadReplay thread, ulong bytes)
    {
        if (bytes > LargestBlock)
            throw _session.Damaged($"thread {thread.OsId} has a block of {bytes} bytes");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CountAllocation(uint site, long bytes, long blocks)
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
    public void CountFree(uint site, long bytes, long blocks)
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

    /// <summary>An allocation that was counted counts for another site instead.</summary>
    public void WithdrawAllocation(uint site, long bytes, long blocks) => CountAllocation(site, -bytes, -blocks);

    /// <summary>Takes back a free: the blocks are live again.</summary>
    public void WithdrawFree(uint site, long bytes, long blocks)
    {
        var counters = _counters + site;
        if (counters->Moment != _moment)
            Remember(site);

        counters->FreedBytes -= bytes;
        counters->FreedBlocks -= blocks;
        _liveBytes += bytes;
        _liveBlocks += blocks;
    }

    public void CountTemporary(ThreadReplay thread, uint site, long bytes, long blocks)
    {
        var counters = Sites.Counters + site;
        if (counters->Thread != thread.Index)
            return;

        counters->TemporaryBytes += bytes;
        counters->TemporaryBlocks += blocks;
    }

    /// <summary>A tag is eight bits, and there are 256 entries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CountCalls(uint tag, long bytes, long calls)
    {
        ref var operations = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_operations), tag);
        operations.Calls += calls;
        operations.Bytes += bytes;
    }

    /// <summary>Adds a site that a forked child has from its parent.</summary>
    public void AddInherited(int thread, in InheritedSite inherited)
    {
        var site = Sites.Add(thread, inherited.Domain, inherited.Stack);
        _counters = Sites.Counters; // adding moves them
        _counters[site].AllocatedBytes = inherited.Bytes;
        _counters[site].AllocatedBlocks = inherited.Blocks;
        _liveBytes += inherited.Bytes;
        _liveBlocks += inherited.Blocks;
    }

    /// <summary>Lets time pass: what is replayed from now on happened at or after it. Time does not go back.</summary>
    /// <param name="nowNs">Nanoseconds since the recording began.</param>
    public void AdvanceTo(long nowNs)
    {
        if (nowNs <= Clock.NowNs)
            return;

        if (Clock.Timeline.IsPast(nowNs))
        {
            NoteHigh();
            Clock.BeginSlice(nowNs, _liveBytes, _liveBlocks, _highestBytes);
            _highestBytes = _liveBytes;
            _moment++;
        }

        Clock.NowNs = nowNs;
    }

    /// <summary>Returns the changes of sites within slices so far, while the replay continues.</summary>
    public IEnumerable<SliceEntry> SliceDifferencesSoFar(InheritedSite[] inherited)
    {
        NoteHigh();
        return Clock.SliceDifferencesSoFar(inherited, _liveBytes, _liveBlocks, _highestBytes);
    }

    /// <summary>The recording has ended.</summary>
    public void Finish()
    {
        NoteHigh();
        Clock.Finish(_liveBytes, _liveBlocks, _highestBytes);
    }

    /// <summary>Returns the sums that a checkpoint keeps.</summary>
    public (long LiveBytes, long LiveBlocks, long HighestBytes, ulong Moment) State() => (_liveBytes, _liveBlocks, _highestBytes, _moment);

    /// <summary>Sets the sums that a checkpoint has.</summary>
    public void Restore(long liveBytes, long liveBlocks, long highestBytes, ulong moment) =>
        (_liveBytes, _liveBlocks, _highestBytes, _moment) = (liveBytes, liveBlocks, highestBytes, moment);

    /// <summary>Reads the sites that a checkpoint has.</summary>
    /// <exception cref="EndOfStreamException">The file is too short.</exception>
    public void LoadSites(BinaryReader reader)
    {
        Sites.Load(reader);
        _counters = Sites.Counters;
    }

    public void Dispose()
    {
        Sites.Dispose();
        Tables.Dispose();
    }

    /// <summary>Notes a local maximum: called before live bytes drop, which were not higher before in this slice.</summary>
    private void NoteHigh()
    {
        _highestBytes = Math.Max(_highestBytes, _liveBytes);
        if (Clock.TryRaisePeak(_liveBytes))
            _moment++;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Remember(uint site)
    {
        Clock.Remember(site);
        _counters[site].Moment = _moment;
    }

    /// <returns>The bytes that count.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong PutUnusual(ThreadReplay thread, uint tag, ulong address, ulong bytes, uint site)
    {
        CheckBytes(thread, bytes);
        if ((tag & 15) == WireFormat.MmapDomain)
            Mappings.Put(address, bytes, site);
        else if (Renamed.TryRename(thread, tag, address, site) is { } renamed)
            return renamed;
        else
            PutBlock(tag & 15, address, bytes, site);

        return bytes;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeUnusual(ThreadReplay thread, uint tag, ulong address)
    {
        var site = Tables.Take(tag & 15, address, out var bytes);
        if (site != 0)
        {
            CountFree(thread, tag, address | Tables.TagOf(tag & 15), site, (long)bytes);
            return;
        }

        _operations[(int)tag].Calls++;
        if (!Tables.MayRename(tag & 15)) // the memory is still held: see RenamedBlocks
            UnknownFrees++;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountFree(ThreadReplay thread, uint tag, ulong taggedAddress, uint site, long bytes)
    {
        CountCalls(tag, bytes, 1);
        CountFree(site, bytes, 1);
        if (thread.Recent.Contains(taggedAddress))
            CountTemporary(thread, site, bytes, 1);
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
}
