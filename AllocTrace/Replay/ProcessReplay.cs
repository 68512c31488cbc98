using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// What the records of one process come to: live blocks, counters for each site, the high-water mark with its composition, time slices,
/// snapshots. Records are given in an order in which the allocator can have acted (<see cref="SessionDrain"/>). Used by one thread; does
/// not allocate once the program's pages and sites have been seen.
/// </summary>
/// <remarks>
/// The composition of the peak is kept by epoch. When something is freed and more was alive than ever before, a new epoch begins; a site
/// copies what it holds the first time it changes in a new epoch. So a peak costs nothing for the sites that do not change. Slices are kept
/// in the same way, and one comparison for each event (<see cref="SiteCounters.Moment"/>) finds out about both.
/// </remarks>
internal sealed unsafe class ProcessReplay : IDisposable
{
    /// <summary>Slice entries that are always allowed for; above them, and two for each site, slices become wider.</summary>
    private const int SliceEntriesAllowance = 1 << 18;

    /// <summary>A larger block cannot exist: addresses have fewer bits.</summary>
    private const ulong LargestBlock = WireFormat.OperandMask;

    private readonly SessionFile _session;
    private readonly long _startedNs;
    private readonly int _temporaryThreshold;

    /// <summary>Raw, mem and obj share one allocator's addresses; each tracked domain gets a table when it has its first block.</summary>
    private readonly AddressTable?[] _tables = new AddressTable?[WireFormat.Domains];

    /// <summary>By the first byte of a record: kind and domain.</summary>
    private readonly OperationTotals[] _operations = new OperationTotals[256];
    private readonly List<ThreadReplay> _threads = [];
    private readonly List<SnapshotImage> _snapshots = [];
    private readonly SliceLog _sliceLog = new();

    /// <summary><see cref="SiteTable.Counters"/> of <see cref="Sites"/>.</summary>
    private SiteCounters* _counters;

    private long _liveBytes;
    private long _liveBlocks;

    /// <summary>The most that was alive in the current slice, as far as it is followed by less.</summary>
    private long _highestBytes;

    private long _peakBytes;
    private long _peakAtNs;
    private ulong _epoch = 1;
    private ulong _moment = 1;
    private bool _finalizing;
    private ulong _lastFork;

    /// <param name="session">Where strings and the number of stacks come from; not owned.</param>
    /// <param name="temporaryThreshold">A block is temporary when its thread frees it before so many further allocations of its own.</param>
    public ProcessReplay(SessionFile session, int temporaryThreshold)
    {
        _session = session;
        _startedNs = (long)session.Header->StartedMonoNs;
        _temporaryThreshold = temporaryThreshold;
        _counters = Sites.Counters;
        var pythonBlocks = new AddressTable();
        for (var domain = 0; domain < WireFormat.FirstTrackedDomain; domain++)
            _tables[domain] = pythonBlocks;
    }

    public SiteTable Sites { get; } = new();

    public Timeline Timeline { get; } = new();

    public IReadOnlyList<ThreadReplay> Threads => _threads;

    public int TemporaryThreshold => _temporaryThreshold;

    /// <summary>How far time has come, ns since the recording began.</summary>
    public long NowNs { get; private set; }

    /// <summary>Frees, and reallocations, of blocks that were not known.</summary>
    public long UnknownFrees { get; private set; }

    public long LiveBytes => _liveBytes;

    public long LiveBlocks => _liveBlocks;

    /// <summary>The most that was ever alive, bytes.</summary>
    public long PeakBytes => Math.Max(_peakBytes, _liveBytes);

    /// <summary>Whether the interpreter was seen to begin its finalization.</summary>
    public bool Finalizing => _finalizing;

    /// <summary>Whether there was anything but marks.</summary>
    public bool IsEmpty => !_operations.Any(operation => operation.Calls != 0);

    /// <summary>What the process had from its parent when it was forked: its first sites.</summary>
    public InheritedSite[] Inherited { get; private set; } = [];

    /// <summary>Gets what is alive at each fork; <see langword="null"/>: nobody wants it.</summary>
    public Action<ForkImage>? OnFork { get; init; }

    /// <summary>The number of the last fork that was replayed. May be asked by other threads.</summary>
    public ulong LastFork => Volatile.Read(ref _lastFork);

    /// <summary>Adds a thread.</summary>
    /// <param name="osId">The system's number for it.</param>
    /// <param name="startedMonoNs">CLOCK_MONOTONIC.</param>
    /// <param name="name">Its name by now.</param>
    public ThreadReplay AddThread(uint osId, ulong startedMonoNs, string name = "")
    {
        var thread = new ThreadReplay(_threads.Count, osId, SinceStart(startedMonoNs), _temporaryThreshold) { Name = name };
        _threads.Add(thread);
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            thread.Domains[domain].Pages = _tables[domain] is { } table ? table.Pages : AddressTable.NoPages;
            thread.Domains[domain].Tag = TagOf((uint)domain);
        }

        return thread;
    }

    /// <summary>Begins with what was alive in the parent: before anything else, at most once. The image's tables are this object's then.</summary>
    public void Inherit(ForkImage image)
    {
        _tables[0]!.Dispose();
        image.Tables.CopyTo(_tables, 0);
        Inherited = image.Sites;
        var threads = new Dictionary<ThreadReplay, int>();
        foreach (ref readonly var site in image.Sites.AsSpan())
        {
            if (!threads.TryGetValue(site.Thread, out var thread) && site.Blocks != 0)
                threads.Add(site.Thread, thread = AddInheritedThread(site.Thread));

            var number = Sites.Add(thread, site.Domain, site.Stack);
            var counters = Sites.Counters + number; // adding moves them
            counters->AllocatedBytes = site.Bytes;
            counters->AllocatedBlocks = site.Blocks;
            _liveBytes += site.Bytes;
            _liveBlocks += site.Blocks;
        }

        _counters = Sites.Counters;
    }

    /// <summary>Nanoseconds since the recording began, not before it.</summary>
    public long SinceStart(ulong monoNs) => Math.Max(0, unchecked((long)monoNs) - _startedNs);

    /// <summary>Calls of a kind in a domain that succeeded.</summary>
    public OperationTotals Operations(int domain, RecordKind kind) => _operations[(int)kind << 4 | domain];

    /// <summary>Replays a thread's records from <paramref name="at"/> to <paramref name="end"/>, or to the first BATCH before that.</summary>
    /// <param name="thread">Whose they are.</param>
    /// <param name="at">The first record.</param>
    /// <param name="end">The end of what is committed; in the same slab.</param>
    /// <returns>Where it stopped: <paramref name="end"/>, or a BATCH record.</returns>
    /// <exception cref="InvalidTraceException">There is no such record; everything before it counts.</exception>
    public byte* Run(ThreadReplay thread, byte* at, byte* end)
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
                    var second = *(ulong*)(at + 8);
                    Allocate(thread, tag, address, (uint)second, (uint)(second >> 32));
                    at += 16;
                    break;

                case RecordKind.Free:
                    Free(thread, tag, address);
                    at += 8;
                    break;

                case RecordKind.Realloc when room >= 16:
                    CommitRealloc(thread, tag, address, *(uint*)(at + 8), *(uint*)(at + 12));
                    at += 16;
                    break;

                case RecordKind.ReallocBegin:
                    BeginRealloc(thread, tag & 15, address);
                    at += 8;
                    break;

                case RecordKind.ReallocFailed:
                    UndoRealloc(thread, tag & 15);
                    at += 8;
                    break;

                case RecordKind.Batch when room >= 16:
                    return at;

                case RecordKind.Mark when room >= 16:
                    Mark((MarkKind)(tag & 15), address, *(ulong*)(at + 8));
                    at += 16;
                    break;

                case RecordKind.MallocWide or RecordKind.CallocWide or RecordKind.ReallocWide when room >= 24:
                    AllocateWide(thread, tag, address, *(ulong*)(at + 16), *(uint*)(at + 12));
                    at += 24;
                    break;

                case RecordKind.Lost when room >= 24:
                    thread.AddLoss((long)address, SinceStart(*(ulong*)(at + 8)), SinceStart(*(ulong*)(at + 16)));
                    at += 24;
                    break;

                default:
                    throw _session.Damaged($"thread {thread.OsId} has a record of kind {tag >> 4} with {room} bytes left");
            }
        }

        return at;
    }

    /// <summary>Lets time pass: what is replayed from now on happened at or after this moment. Time does not go back.</summary>
    /// <param name="monoNs">CLOCK_MONOTONIC.</param>
    public void AdvanceTo(ulong monoNs)
    {
        var now = SinceStart(monoNs);
        if (now <= NowNs)
            return;

        if (Timeline.IsPast(now))
            BeginSlice(now);

        NowNs = now;
    }

    /// <summary>Takes a named snapshot of what is alive at the record where the replay is.</summary>
    public void TakeSnapshot(string name) => _snapshots.Add(Image(SnapshotImage.Named, name));

    /// <summary>The process has ended, or is not followed any longer: takes the last notes.</summary>
    public void Finish()
    {
        NoteHigh();
        Timeline.Close(_liveBytes, _liveBlocks, _highestBytes);
        if (!_finalizing)
            _snapshots.Add(Image(SnapshotImage.Live, SnapshotImage.Live));

        for (var site = 1u; site < Sites.End; site++)
        {
            if (Sites.History[site].Slice >= 0)
                _sliceLog.Add(Sites.History[site].Slice, site, Sites.Counters[site]);
        }
    }

    /// <summary>The last snapshot of that name so far; <see langword="null"/> when there is none.</summary>
    public SnapshotImage? LastSnapshot(string name) => _snapshots.FindLast(snapshot => snapshot.Kind == SnapshotImage.Named && snapshot.Name == name);

    /// <summary>All snapshots, the peak first. After <see cref="Finish"/>.</summary>
    public IEnumerable<SnapshotImage> Snapshots() => _snapshots.Prepend(PeakImage());

    /// <summary>What sites did within slices, by slice and site. After <see cref="Finish"/>.</summary>
    public SliceEntry[] SliceDifferences() => _sliceLog.Differences(Sites.End, Inherited);

    public void Dispose()
    {
        Sites.Dispose();
        _tables[0]!.Dispose();
        for (var domain = WireFormat.FirstTrackedDomain; domain < WireFormat.Domains; domain++)
            _tables[domain]?.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Allocate(ThreadReplay thread, uint tag, ulong address, ulong size, uint stack)
    {
        var domain = &thread.Domains[tag & 15];
        var site = domain->Sites.Find(stack);
        if (site == 0)
            site = AddSite(thread, tag & 15, stack);

        if (size >= AddressPage.WideSize || !AddressTable.TryPut(domain->Pages, address, (uint)size, site))
            PutBlock(tag & 15, address, size, site);

        var counters = _counters + site;
        if (counters->Moment != _moment)
            Remember(site);

        counters->AllocatedBytes += (long)size;
        counters->AllocatedBlocks++;
        _liveBytes += (long)size;
        _liveBlocks++;
        ref var operations = ref OperationsOf(tag);
        operations.Calls++;
        operations.Bytes += (long)size;
        thread.Recent.Add(address | domain->Tag);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutBlock(uint domain, ulong address, ulong size, uint site)
    {
        var table = _tables[domain] ?? AddTable(domain);
        var replaced = table.Put(address, size, site, out var replacedSize);
        if (replaced != 0)
            CountFree(replaced, (long)replacedSize); // its free was lost
    }

    private uint TakeBlock(uint domain, ulong address, out ulong size)
    {
        size = 0;
        return _tables[domain] is { } table ? table.Take(address, out size) : 0;
    }

    private AddressTable AddTable(uint domain)
    {
        var table = new AddressTable();
        _tables[domain] = table;
        foreach (var thread in _threads)
        {
            if (thread.Domains != null)
                thread.Domains[domain].Pages = table.Pages;
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
        var site = TakeBlock(tag & 15, address, out var size);
        if (site != 0)
        {
            CountFree(thread, tag, address | TagOf(tag & 15), site, (long)size);
            return;
        }

        _operations[(int)tag].Calls++;
        UnknownFrees++;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountFree(ThreadReplay thread, uint tag, ulong taggedAddress, uint site, long size)
    {
        ref var operations = ref OperationsOf(tag);
        operations.Calls++;
        operations.Bytes += size;
        CountFree(site, size);
        if (thread.Recent.Contains(taggedAddress))
            CountTemporary(thread, site, size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountFree(uint site, long size)
    {
        if (_liveBytes > _highestBytes)
            NoteHigh();

        var counters = _counters + site;
        if (counters->Moment != _moment)
            Remember(site);

        counters->FreedBytes += size;
        counters->FreedBlocks++;
        _liveBytes -= size;
        _liveBlocks--;
    }

    /// <summary>A tag is eight bits, and there are 256 entries.</summary>
    private ref OperationTotals OperationsOf(uint tag) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_operations), tag);

    /// <summary>Tells an address of a domain from the same one in other domains.</summary>
    private static ulong TagOf(uint domain) => domain < WireFormat.FirstTrackedDomain ? 0 : (ulong)domain << WireFormat.OperandBits;

    private void CountTemporary(ThreadReplay thread, uint site, long size)
    {
        var counters = Sites.Counters + site;
        if (counters->Thread != thread.Index)
            return;

        counters->TemporaryBytes += size;
        counters->TemporaryBlocks++;
    }

    /// <summary>Less is going to be alive: more than now was not alive before, in this slice at least.</summary>
    private void NoteHigh()
    {
        _highestBytes = Math.Max(_highestBytes, _liveBytes);
        if (_liveBytes <= _peakBytes)
            return;

        _peakBytes = _liveBytes;
        _peakAtNs = NowNs;
        _epoch++;
        _moment++;
    }

    /// <summary>A site is going to change for the first time since a peak or a slice: keeps what it has reached.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Remember(uint site)
    {
        var counters = Sites.Counters + site;
        var history = Sites.History + site;
        if (history->PeakEpoch != _epoch)
        {
            history->PeakBytes = counters->LiveBytes;
            history->PeakBlocks = counters->LiveBlocks;
            history->PeakEpoch = _epoch;
        }

        if (history->Slice != Timeline.Current)
        {
            if (history->Slice >= 0)
                _sliceLog.Add(history->Slice, site, *counters);

            history->Slice = Timeline.Current;
        }

        counters->Moment = _moment;
    }

    private void BeginRealloc(ThreadReplay thread, uint domain, ulong address)
    {
        ref var realloc = ref thread.Realloc(domain);
        if (realloc.Open && realloc.Block.Site != 0)
            CountFree(realloc.Block.Site, (long)realloc.Block.Size); // its end was lost

        var site = TakeBlock(domain, address, out var size);
        realloc = new PendingRealloc { Open = true, Address = address, Block = new Block(size, site) };
    }

    private void UndoRealloc(ThreadReplay thread, uint domain)
    {
        ref var realloc = ref thread.Realloc(domain);
        var (size, site) = realloc.Block;
        if (realloc.Open && site != 0)
            PutBlock(domain, realloc.Address, size, site);

        realloc = default;
    }

    private void CommitRealloc(ThreadReplay thread, uint tag, ulong address, ulong size, uint stack)
    {
        ref var realloc = ref thread.Realloc(tag & 15);
        var (oldSize, oldSite) = realloc.Block;
        if (realloc.Open && oldSite == 0)
            UnknownFrees++;

        if (oldSite != 0)
        {
            CountFree(oldSite, (long)oldSize);
            if (thread.Recent.Contains(realloc.Address | TagOf(tag & 15)))
                CountTemporary(thread, oldSite, (long)oldSize);
        }

        realloc = default;
        Allocate(thread, tag, address, size, stack);
    }

    private void AllocateWide(ThreadReplay thread, uint tag, ulong address, ulong size, uint stack)
    {
        if (size > LargestBlock)
            throw _session.Damaged($"thread {thread.OsId} has a block of {size} bytes");

        const uint narrower = RecordKind.MallocWide - RecordKind.Malloc;
        var narrow = tag - (narrower << 4);
        if ((RecordKind)(tag >> 4) == RecordKind.ReallocWide)
            CommitRealloc(thread, narrow, address, size, stack);
        else
            Allocate(thread, narrow, address, size, stack);
    }

    private void Mark(MarkKind kind, ulong argument, ulong monoNs)
    {
        AdvanceTo(monoNs);
        switch (kind)
        {
            case MarkKind.Finalizing:
                ForgetLive(); // of an earlier life of the interpreter
                _finalizing = true;
                _snapshots.Add(Image(SnapshotImage.Live, SnapshotImage.Live));
                break;

            case MarkKind.Initialized:
                ForgetLive();
                break;

            case MarkKind.Snapshot:
                if (argument > uint.MaxValue)
                    throw _session.Damaged($"a snapshot's name is string {argument}");

                TakeSnapshot(_session.String((uint)argument));
                break;

            case MarkKind.Fork:
                OnFork?.Invoke(TakeForkImage(argument));
                Volatile.Write(ref _lastFork, argument); // after that: who sees it finds the image, or it is gone already
                break;
        }
    }

    private void ForgetLive()
    {
        _finalizing = false;
        _snapshots.RemoveAll(snapshot => snapshot.Kind == SnapshotImage.Live);
    }

    private ForkImage TakeForkImage(ulong number)
    {
        var sites = new InheritedSite[Sites.End - 1];
        for (var site = 1u; site < Sites.End; site++)
        {
            var counters = Sites.Counters + site;
            var inherited = site <= Inherited.Length;
            sites[site - 1] = new InheritedSite(
                inherited ? Inherited[site - 1].Thread : _threads[counters->Thread],
                counters->Domain,
                inherited ? Inherited[site - 1].SessionPath : _session.Path,
                Sites.History[site].Stack,
                counters->LiveBytes,
                counters->LiveBlocks);
        }

        var tables = new AddressTable?[WireFormat.Domains];
        var pythonBlocks = _tables[0]!.Clone();
        for (var domain = 0; domain < WireFormat.Domains; domain++)
            tables[domain] = domain < WireFormat.FirstTrackedDomain ? pythonBlocks : _tables[domain]?.Clone();

        return new ForkImage(number, sites, tables);
    }

    private int AddInheritedThread(ThreadReplay origin)
    {
        var thread = new ThreadReplay(_threads.Count, origin.OsId, startedNs: 0, _temporaryThreshold) { Origin = origin };
        thread.End(endedNs: 0, lostEvents: 0);
        _threads.Add(thread);
        return thread.Index;
    }

    private SnapshotImage Image(string kind, string name)
    {
        var sites = new List<SiteAmount>();
        for (var site = 1u; site < Sites.End; site++)
        {
            var counters = Sites.Counters + site;
            if (counters->LiveBlocks != 0)
                sites.Add(new SiteAmount(site, counters->LiveBytes, counters->LiveBlocks));
        }

        return new SnapshotImage(kind, name, NowNs, [.. sites]);
    }

    private SnapshotImage PeakImage()
    {
        var sites = new List<SiteAmount>();
        for (var site = 1u; site < Sites.End; site++)
        {
            var counters = Sites.Counters + site;
            var history = Sites.History + site;
            var amount = history->PeakEpoch == _epoch
                ? new SiteAmount(site, history->PeakBytes, history->PeakBlocks)
                : new SiteAmount(site, counters->LiveBytes, counters->LiveBlocks);
            if (amount.Blocks != 0)
                sites.Add(amount);
        }

        return new SnapshotImage(SnapshotImage.Peak, SnapshotImage.Peak, _peakAtNs, [.. sites]);
    }

    private void BeginSlice(long nowNs)
    {
        NoteHigh();
        Timeline.Close(_liveBytes, _liveBlocks, _highestBytes);
        while (Timeline.IsBeyond(nowNs) || (_sliceLog.Count > SliceEntriesAllowance + 2 * Sites.End && Timeline.Current > 8))
            DoubleSliceWidth();

        Timeline.MoveTo(nowNs);
        _highestBytes = _liveBytes;
        _moment++;
    }

    private void DoubleSliceWidth()
    {
        Timeline.DoubleWidth();
        _sliceLog.DoubleWidth(Sites.End);
        for (var site = 1u; site < Sites.End; site++)
        {
            if (Sites.History[site].Slice > 0)
                Sites.History[site].Slice /= 2;
        }
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
