using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Replays the records of one process: live blocks, counters for each site, the high-water mark with its composition, time slices,
/// snapshots. Records are given in an order in which the allocator can have acted (<see cref="SessionDrain"/>). Used by one thread.
/// </summary>
/// <remarks>
/// <see cref="BlockReplay"/> counts blocks, <see cref="ReplayClock"/> keeps peaks and slices, <see cref="ReplaySnapshots"/> the snapshots,
/// <see cref="ReplayMemory"/> the accounts of resident memory;
/// <see cref="ReplayForks"/> and <see cref="ReplayState"/> hand all of it to a child's replay and to another collector.
/// </remarks>
internal sealed unsafe class ProcessReplay : IDisposable
{
    /// <summary>The pages of tables (32 KiB each) that are worth it to go through the C heap for them.</summary>
    private const int ManyPages = 128;

    private readonly SessionFile _session;
    private readonly long _startedNs;
    private readonly List<ThreadReplay> _threads = [];
    private readonly ReplaySnapshots _snapshots;
    private readonly ReplayState _state;
    private ulong _lastFork;

    /// <summary>The sum with which the replay began.</summary>
    private long _inheritedBytes;

    /// <param name="session">The session that has the strings and the number of stacks; not owned.</param>
    /// <param name="temporaryThreshold">A block is temporary when its thread frees it before this many further allocations of its own.</param>
    public ProcessReplay(SessionFile session, int temporaryThreshold)
    {
        _session = session;
        _startedNs = (long)session.Header->StartedMonoNs;
        TemporaryThreshold = temporaryThreshold;
        Blocks = new BlockReplay(session, _threads);
        _snapshots = new ReplaySnapshots(Blocks.Sites, Blocks.Clock);
        Memory = new ReplayMemory(session, Blocks);
        _state = new ReplayState(session, _threads, Blocks, _snapshots, Memory, temporaryThreshold);
    }

    public BlockReplay Blocks { get; }

    public ReplayMemory Memory { get; }

    public ReplayedSites Sites => Blocks.Sites;

    public Timeline Timeline => Blocks.Clock.Timeline;

    public IReadOnlyList<ThreadReplay> Threads => _threads;

    public int TemporaryThreshold { get; }

    /// <summary>The time that the replay has reached, in ns since the recording began.</summary>
    public long NowNs => Blocks.Clock.NowNs;

    /// <summary>Frees, and reallocations, of blocks that were not known.</summary>
    public long UnknownFrees => Blocks.UnknownFrees;

    public long LiveBytes => Blocks.LiveBytes;

    public long LiveBlocks => Blocks.LiveBlocks;

    /// <summary>The largest amount of live bytes so far.</summary>
    public long PeakBytes => Math.Max(Blocks.Clock.PeakBytes, Blocks.LiveBytes);

    /// <summary>True if the interpreter was seen to begin its finalization.</summary>
    public bool Finalizing => _snapshots.Finalizing;

    /// <summary>True if there was anything but marks.</summary>
    public bool IsEmpty => !Array.Exists(Blocks.Operations, operation => operation.Calls != 0);

    /// <summary>The blocks inherited from the parent at the fork: the first sites.</summary>
    public InheritedSite[] Inherited { get; private set; } = [];

    /// <summary>
    /// Called at each copy of the process with the live blocks, which it owns, and the copy's pid; <see langword="null"/> if they are not
    /// needed.
    /// </summary>
    public Action<LiveBlocks, uint>? OnCopy { get; init; }

    /// <summary>Called with the live blocks at each fork; <see langword="null"/> if they are not needed.</summary>
    public Action<ForkImage>? OnFork { get; init; }

    /// <summary>The number of the last fork that was replayed. May be asked by other threads.</summary>
    public ulong LastFork => Volatile.Read(ref _lastFork);

    /// <summary>Adds a thread.</summary>
    /// <param name="osId">The system's number for it.</param>
    /// <param name="startedMonoNs">CLOCK_MONOTONIC.</param>
    /// <param name="name">Its name by now.</param>
    public ThreadReplay AddThread(uint osId, ulong startedMonoNs, string name = "")
    {
        var thread = new ThreadReplay(_threads.Count, osId, SinceStart(startedMonoNs), TemporaryThreshold) { Name = name };
        _threads.Add(thread);
        Blocks.Tables.Connect(thread);
        return thread;
    }

    /// <summary>Nanoseconds since the recording began, not before it.</summary>
    public long SinceStart(ulong monoNs) => Math.Max(0, unchecked((long)monoNs) - _startedNs);

    /// <summary>Calls of a kind in a domain that succeeded.</summary>
    public OperationTotals Operations(int domain, RecordKind kind) => Blocks.Operations[(int)kind << 4 | domain];

    /// <summary>Lets time pass: what is replayed from now on happened at or after this moment. Time does not go back.</summary>
    /// <param name="monoNs">CLOCK_MONOTONIC.</param>
    public void AdvanceTo(ulong monoNs) => Blocks.AdvanceTo(SinceStart(monoNs));

    /// <summary>Replays a thread's records from <paramref name="at"/> to <paramref name="end"/>, or to the first BATCH before that.</summary>
    /// <param name="thread">The thread that wrote them.</param>
    /// <param name="at">The first record.</param>
    /// <param name="end">The end of what is committed, in the same slab.</param>
    /// <returns><paramref name="end"/>, or the BATCH record at which it stopped.</returns>
    /// <exception cref="InvalidTraceException">There is no such record; everything before it counts.</exception>
    public byte* Run(ThreadReplay thread, byte* at, byte* end) =>
        Blocks.IsSampled
            ? RecordReader.Read(at, end, new SampledRecords(Blocks, thread, this))
            : RecordReader.Read(at, end, new ExactRecords(Blocks, thread, this));

    /// <summary>Replays a MARK record.</summary>
    /// <exception cref="InvalidTraceException">Its argument is damaged.</exception>
    public void Mark(MarkKind kind, ulong argument, ulong monoNs)
    {
        AdvanceTo(monoNs);
        switch (kind)
        {
            case MarkKind.Finalizing:
                _snapshots.BeginFinalization();
                break;

            case MarkKind.Initialized:
                _snapshots.ForgetLive();
                Memory.ForgetLive();
                break;

            case MarkKind.Memory:
                Memory.ReadAccount(argument);
                break;

            case MarkKind.Arena or MarkKind.ArenaGone:
                Memory.NoteArena(argument, kind == MarkKind.ArenaGone);
                break;

            case MarkKind.Snapshot:
                if (argument > uint.MaxValue)
                    throw _session.Damaged($"a snapshot's name is string {argument}");

                TakeSnapshot(_session.String((uint)argument));
                break;

            case MarkKind.Copy:
                NoteCopy((uint)(argument >> WireFormat.CopyPidShift), (uint)argument);
                break;

            case MarkKind.Fork:
                OnFork?.Invoke(ReplayForks.Take(this, _session.Path, argument));
                Volatile.Write(ref _lastFork, argument); // after that: who sees it finds the image, or it is gone already
                break;
        }
    }

    /// <summary>Replays a LOST record.</summary>
    /// <exception cref="InvalidTraceException">Its number is impossible.</exception>
    public void Lose(ThreadReplay thread, ulong events, ulong firstMonoNs, ulong lastMonoNs)
    {
        if (events > Loss.Most - (ulong)thread.LostEvents)
            throw _session.Damaged($"thread {thread.OsId} has lost an impossible number of events");

        thread.AddLoss((long)events, SinceStart(firstMonoNs), SinceStart(lastMonoNs));
    }

    /// <summary>Replays an UNMAP record.</summary>
    /// <returns>True if the record is complete.</returns>
    /// <exception cref="InvalidTraceException">It is of a domain that has no mappings.</exception>
    public bool Unmap(ThreadReplay thread, uint tag, ulong address, ulong length)
    {
        if ((tag & 15) != WireFormat.MmapDomain)
            throw NoSuchRecord(thread, tag >> 4, 2 * sizeof(ulong));

        Blocks.Mappings.Unmap(thread, address, length);
        return true;
    }

    /// <summary>Returns the exception for something that is no record.</summary>
    public InvalidTraceException NoSuchRecord(ThreadReplay thread, uint kind, long room) =>
        _session.Damaged($"thread {thread.OsId} has a record of kind {kind} with {room} bytes left");

    /// <summary>Finds out whether more was allocated than can have been (<see cref="ReplaySums"/>).</summary>
    /// <exception cref="InvalidTraceException">It was.</exception>
    public void CheckSums() => ReplaySums.Check(_session, Blocks.Operations, _inheritedBytes);

    /// <summary>Takes a named snapshot of the live blocks at the present record.</summary>
    public SnapshotImage TakeSnapshot(string name) => _snapshots.Take(name);

    /// <summary>Returns the live blocks at the record that the replay has reached, without keeping them.</summary>
    public SnapshotImage Present() => _snapshots.Present();

    /// <summary>The last snapshot of that name so far; <see langword="null"/> when there is none.</summary>
    public SnapshotImage? LastSnapshot(string name) => _snapshots.Last(name);

    /// <inheritdoc cref="ReplaySnapshots.ForgetNamed"/>
    public IReadOnlyList<SnapshotImage> ForgetNamed(string name, SnapshotImage? kept) => _snapshots.ForgetNamed(name, kept);

    /// <summary>The blocks that were alive when the interpreter began to finalize, or at the end; <see langword="null"/> before that.</summary>
    public SnapshotImage? Live => _snapshots.Live;

    /// <summary>Forgets all but the last snapshots of a recording without an end, whose database has none of them.</summary>
    public void ForgetSnapshots(int kept) => _snapshots.KeepLast(kept);

    /// <summary>All snapshots, the peak first. After <see cref="Finish"/>.</summary>
    public IReadOnlyList<SnapshotImage> Snapshots() => [_snapshots.Peak(), .. _snapshots.Taken];

    /// <summary>Returns the live blocks at the record that the replay has reached.</summary>
    /// <param name="snapshot">The snapshot that they are.</param>
    public LiveBlocks PresentBlocks(SnapshotImage snapshot)
    {
        var domains = new byte[Sites.End];
        for (var site = 1u; site < Sites.End; site++)
            domains[site] = (byte)Sites.Counters[site].Domain;

        return new LiveBlocks(snapshot, Blocks.Tables.Clone(), domains);
    }

    /// <summary>
    /// Begins with the live blocks of the parent. Must be called before any record, at most once. The replay then owns the image's tables.
    /// </summary>
    public void Inherit(ForkImage image)
    {
        ReplayForks.Inherit(Blocks, _threads, image, TemporaryThreshold);
        Inherited = image.Sites;
        Memory.Inherit(image.Arenas);
        _inheritedBytes = Blocks.LiveBytes;
    }

    /// <summary>Returns what there is so far, as if the process ended here; the replay continues.</summary>
    public ReplayCourse Course() => new(Blocks.SliceDifferencesSoFar(Inherited), [_snapshots.Peak(), .. _snapshots.Taken.Where(snapshot => snapshot.Kind == SnapshotKind.Named), _snapshots.Present()]);

    /// <summary>The process has ended, or is not followed any longer: takes the last notes.</summary>
    public void Finish()
    {
        Blocks.Finish();
        _snapshots.Finish();
    }

    /// <summary>The changes of sites within slices, by slice and site, computed while they are read. Valid after <see cref="Finish"/>.</summary>
    public IEnumerable<SliceEntry> SliceDifferences() => Blocks.Clock.SliceDifferences(Inherited);

    /// <summary>The size of the state about, bytes: what <see cref="Save"/> would write of blocks, sites and slices.</summary>
    public long StateBytes => (Blocks.LiveBlocks * 2 * sizeof(ulong)) + (Sites.End * (sizeof(ReplayedSite) + sizeof(SiteHistory))) + ((long)Blocks.Clock.SliceEntries * sizeof(SliceEntry));

    /// <summary>Writes the state, for another collector.</summary>
    public void Save(BinaryWriter writer) => _state.Save(writer, LastFork, Inherited);

    /// <summary>Takes a state over, before anything was replayed.</summary>
    /// <exception cref="EndOfStreamException">The file is shorter than what it announces.</exception>
    /// <exception cref="InvalidTraceException">What it says cannot be.</exception>
    public void Load(BinaryReader reader)
    {
        (var lastFork, Inherited) = _state.Load(reader);
        _inheritedBytes = Inherited.Sum(site => site.Bytes);
        Volatile.Write(ref _lastFork, lastFork);
    }

    /// <summary>Lets go of the live blocks, when nobody asks for them any more: half as many bytes as the program's heap has.</summary>
    public void ForgetBlocks()
    {
        var pages = Blocks.Tables.All().Sum(table => table.PageCount);
        Blocks.Tables.Dispose();
        if (pages >= ManyPages)
            LibC.TrimHeap();
    }

    public void Dispose() => Blocks.Dispose();

    /// <param name="pid">The copy's.</param>
    /// <param name="name">The string that names the snapshot; 0: the end, whose mark came before.</param>
    private void NoteCopy(uint pid, uint name)
    {
        var snapshot = name == 0 ? _snapshots.Live : TakeSnapshot(_session.String(name));
        if (snapshot is not null && OnCopy is { } wanted)
            wanted(PresentBlocks(snapshot), pid);
    }
}
