using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Replays the records of one process: live blocks, counters for each site, the high-water mark with its composition, time slices,
/// snapshots. Records are given in an order in which the allocator can have acted (<see cref="SessionDrain"/>). Used by one thread; does
/// not allocate once the program's pages and sites have been seen.
/// </summary>
/// <remarks>
/// The composition of the peak is kept by epoch. When something is freed and more was alive than ever before, a new epoch begins; a site
/// copies what it holds the first time it changes in a new epoch. So a peak costs nothing for the sites that do not change. Slices are kept
/// in the same way, and one comparison for each event (<see cref="ReplayedSite.Moment"/>) finds out about both.
/// </remarks>
internal sealed unsafe partial class ProcessReplay : IDisposable
{
    private readonly SessionFile _session;
    private readonly long _startedNs;
    private readonly int _temporaryThreshold;

    /// <summary>Raw, mem, obj and the C heap share addresses; each tracked domain gets a table when it has its first block.</summary>
    private readonly AddressTable?[] _tables = new AddressTable?[WireFormat.Domains];

    /// <summary>By the first byte of a record: kind and domain.</summary>
    private readonly OperationTotals[] _operations = new OperationTotals[256];
    private readonly List<ThreadReplay> _threads = [];
    private readonly List<SnapshotImage> _snapshots = [];
    private readonly SliceLog _sliceLog = new();

    /// <summary><see cref="ReplayedSites.Counters"/> of <see cref="Sites"/>.</summary>
    private ReplayedSite* _counters;

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
    /// <param name="temporaryThreshold">A block is temporary when its thread frees it before this many further allocations of its own.</param>
    public ProcessReplay(SessionFile session, int temporaryThreshold)
    {
        _session = session;
        _startedNs = (long)session.Header->StartedMonoNs;
        _temporaryThreshold = temporaryThreshold;
        _estimate = session.Header->SampleBytes == 0 ? null : new SampleEstimate(session.Header->SampleBytes);
        _counters = Sites.Counters;
        var pythonBlocks = new AddressTable();
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            if (WireFormat.IsHeap(domain))
                _tables[domain] = pythonBlocks;
        }

        _hasNative = session.Header->Native != 0;
    }

    public ReplayedSites Sites { get; } = new();

    public Timeline Timeline { get; } = new();

    public IReadOnlyList<ThreadReplay> Threads => _threads;

    public int TemporaryThreshold => _temporaryThreshold;

    /// <summary>The time that the replay has reached, in ns since the recording began.</summary>
    public long NowNs { get; private set; }

    /// <summary>Frees, and reallocations, of blocks that were not known.</summary>
    public long UnknownFrees { get; private set; }

    public long LiveBytes => _liveBytes;

    public long LiveBlocks => _liveBlocks;

    /// <summary>The most that was ever alive, bytes.</summary>
    public long PeakBytes => Math.Max(_peakBytes, _liveBytes);

    /// <summary>True if the interpreter was seen to begin its finalization.</summary>
    public bool Finalizing => _finalizing;

    /// <summary>True if there was anything but marks.</summary>
    public bool IsEmpty => !_operations.Any(operation => operation.Calls != 0);

    /// <summary>The blocks inherited from the parent at the fork: the first sites.</summary>
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
        Connect(thread);
        return thread;
    }

    /// <summary>Nanoseconds since the recording began, not before it.</summary>
    public long SinceStart(ulong monoNs) => Math.Max(0, unchecked((long)monoNs) - _startedNs);

    /// <summary>Calls of a kind in a domain that succeeded.</summary>
    public OperationTotals Operations(int domain, RecordKind kind) => _operations[(int)kind << 4 | domain];

    /// <summary>The process has ended, or is not followed any longer: takes the last notes.</summary>
    public void Finish()
    {
        NoteHigh();
        Timeline.Close(_liveBytes, _liveBlocks, _highestBytes);
        if (!_finalizing)
            _snapshots.Add(Image(SnapshotKind.Live, SnapshotKind.Live.Word()));

        for (var site = 1u; site < Sites.End; site++)
        {
            if (Sites.History[site].Slice >= 0)
                _sliceLog.Add(Sites.History[site].Slice, site, Sites.Counters[site]);
        }
    }

    /// <summary>The changes of sites within slices, by slice and site. Valid after <see cref="Finish"/>.</summary>
    public SliceEntry[] SliceDifferences() => _sliceLog.Differences(Sites.End, Inherited);

    private void Connect(ThreadReplay thread)
    {
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            thread.Domains[domain].Pages = PagesOf(domain);
            thread.Domains[domain].Tag = TagOf((uint)domain);
        }
    }

    public void Dispose()
    {
        Sites.Dispose();
        foreach (var table in _tables.Distinct())
            table?.Dispose();
    }
}
