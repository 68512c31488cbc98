using AllocTrace.Events;
using AllocTrace.Journal;
using AllocTrace.Memory;
using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>A session that is drained while its process runs, until it ends. Used by one thread at a time.</summary>
internal sealed unsafe class FollowedSession : IDisposable
{
    /// <summary>The named snapshots that 'alloctrace snapshot' may still ask for, of a process that is followed without an end.</summary>
    private const int KeptSnapshots = 16;

    private readonly SessionFile _session;
    private readonly SessionFile _claim;
    private readonly TracedProcess _process;
    private readonly SessionDrain _drain;
    private readonly List<Loss> _losses = [];
    private readonly bool _isRest;
    private readonly LiveSnapshotFile _live;
    private readonly ObjectCapture _objects;
    private readonly RequestedSnapshots _requests;
    private readonly EventLog? _events;
    private readonly ControlGroup? _group;
    private readonly ExecWatch _exec;
    private readonly ThreadNameReader _names;

    /// <summary>True if the recording was over at the first round.</summary>
    private bool? _wasOver;

    /// <summary>The state that a killed collector left; reset in the first round.</summary>
    private JournalReader? _journal;

    private readonly SessionClock _clock;

    // Other threads ask for these when the session may be closed already.
    private readonly ulong _pidNamespace;
    private readonly ulong _pidStarted;
    private readonly ulong _startedMonoNs;
    private int _sampledSlice = -1;
    private int _isClaimed;

    private FollowedSession(SessionFile session, SessionFile claim, TracedProcess process, int temporaryThreshold, ForkImages forks, bool isAwaited, bool isOneOfMany)
    {
        IsAwaited = isAwaited;
        _session = session;
        _claim = claim;
        _journal = JournalReader.TryOpen(session);
        _isRest = _journal is null && (session.Header->ReleasedSlabs != 0 || session.Header->CollectorJournal == JournalFormat.Taken);

        _process = process;
        _clock = new SessionClock(session.Header);
        _pidNamespace = session.Header->PidNamespace;
        _exec = new ExecWatch(process);
        Pid = session.Header->Pid;
        ForkParentPid = session.Header->ForkParentPid;
        ForkNumber = session.Header->ForkNumber;
        _pidStarted = session.Header->PidStarted;
        _startedMonoNs = session.Header->StartedMonoNs;
        _objects = new ObjectCapture(claim, snapshot => new SiteLines(_session, Replay!).Of(snapshot), (name, kept) => Replay!.ForgetNamed(name, kept));
        Replay = new ProcessReplay(session, _journal?.TemporaryThreshold ?? temporaryThreshold) { OnFork = image => forks.Add(Pid, image), OnCopy = _objects.OnCopy };
        IsWaiting = ForkNumber != 0;
        _names = new ThreadNameReader(session, process.NumberHere, Replay);
        Stacks = new GrowingStacks(session, Replay);
        _group = process.NumberHere is { } pid ? ControlGroup.Of(pid) : null;
        _live = new LiveSnapshotFile(session, Replay, _objects, ReadMap, _group);
        _events = EventLog.Of(session);
        var options = new DrainOptions { IsJournaled = session == claim && !_isRest, IsRest = _isRest, Events = _events, NeedsJournal = isAwaited };
        _drain = new SessionDrain(session, Replay, isOneOfMany ? options.OfMany() : options);
        _requests = new RequestedSnapshots(session, _drain, Replay, _objects, ReadMap, () => Guard(() => _drain.Round(Clock)));
    }

    /// <summary>True if it is of a forked child that is not to be drained before it is known what the child began with.</summary>
    public bool IsWaiting { get; private set; }

    public uint ForkParentPid { get; }

    public ulong ForkNumber { get; }

    public uint Pid { get; }

    public string Path => _session.Path;

    /// <summary>The size of its file, in bytes.</summary>
    public long Bytes => _session.Bytes;

    public ProcessReplay Replay { get; }

    /// <summary>The stacks that can be written while it <see cref="IsReady"/>. For the thread that claimed the session.</summary>
    public GrowingStacks Stacks { get; }

    /// <summary>The damage that stopped the reading.</summary>
    public InvalidTraceException? Damage { get; private set; }

    /// <summary>The error that keeps this process from reading an intact session, which is left to another collector.</summary>
    public IOException? Failure { get; private set; }

    /// <summary>True if the sums of the replay are those of the records that were drained: what an earlier collector left was taken over.</summary>
    public bool IsReady => !IsWaiting && _journal is null && Damage is null && Failure is null;

    /// <summary>True if children of its process may have begun with what it had.</summary>
    public bool HasForked => Replay.LastFork != 0;

    /// <summary>True if there is a later session of the same process, which executed another program.</summary>
    public bool IsSuperseded { get; private set; }

    /// <summary>Opens a session and becomes its collector.</summary>
    /// <param name="path">The session's file.</param>
    /// <param name="temporaryThreshold">See <see cref="RecordingOptions.TemporaryThreshold"/>.</param>
    /// <param name="forks">The live blocks with which forked children begin.</param>
    /// <param name="isAwaited">True if the recording's own database is to be in the same folder.</param>
    /// <param name="isOneOfMany">True if there may be thousands of such sessions: what is beside each stays small.</param>
    /// <returns><see langword="null"/> when its process has not finished making it.</returns>
    /// <exception cref="InvalidTraceException">The file is not a session that can be read.</exception>
    /// <exception cref="IOException">The file cannot be opened or mapped, or another collector drains it.</exception>
    public static FollowedSession? TryOpen(string path, int temporaryThreshold, ForkImages forks, bool isAwaited = false, bool isOneOfMany = false)
    {
        var claim = SessionFile.TryOpen(path, shared: true);
        if (claim is null)
            return null;

        SessionFile? session = null;
        TracedProcess? process = null;
        try
        {
            SessionClaim.Take(claim);
            process = new TracedProcess(claim);

            // Nobody needs the slabs of an ended process back: its file stays as it is, to be drained again if the database fails.
            session = !process.IsAlive() || !process.MapsSession() ? SessionFile.TryOpen(path, shared: false)! : claim;
            return new FollowedSession(session, claim, process, temporaryThreshold, forks, isAwaited, isOneOfMany);
        }
        catch
        {
            process?.Dispose();
            session?.Dispose();
            claim.Dispose();
            throw;
        }
    }

    /// <summary>Notes that another session exists: if it is of the same process, the earlier of the two has ended.</summary>
    public void NoteOther(FollowedSession other)
    {
        if (Pid != other.Pid || _pidStarted != other._pidStarted || _pidNamespace != other._pidNamespace)
            return;

        if (_startedMonoNs < other._startedMonoNs)
            IsSuperseded = true;
        else
            other.IsSuperseded = true;
    }

    /// <summary>Returns whether the fork with which another session began may still come up in this one.</summary>
    public bool MayFork(FollowedSession child) =>
        Pid == child.ForkParentPid && (_startedMonoNs & WireFormat.OperandMask) <= child.ForkNumber
        && Replay.LastFork < child.ForkNumber && Damage is null;

    /// <summary>Ends the waiting.</summary>
    /// <param name="image">The blocks with which the child began; <see langword="null"/> if unknown.</param>
    public void Begin(ForkImage? image)
    {
        IsWaiting = false;
        if (image is not null)
            Replay.Inherit(image);
    }

    /// <summary>Takes the session for the calling thread; <see cref="Unclaim"/> gives it back.</summary>
    /// <returns>True if no other thread has it.</returns>
    public bool TryClaim() => Interlocked.Exchange(ref _isClaimed, 1) == 0;

    public void Unclaim() => Volatile.Write(ref _isClaimed, 0);

    /// <summary>The records found by the last round, as a share of the room in the session's slabs. For the thread that claimed the session.</summary>
    public double Load { get; private set; }

    /// <summary>Drains what is there.</summary>
    /// <returns>True if there was anything.</returns>
    public bool Round()
    {
        if (Damage is not null || Failure is not null)
            return false;

        var now = LibC.MonotonicNanoseconds();
        Volatile.Write(ref _session.Header->CollectorBeatNs, now);
        if (IsWaiting)
            return false;

        TakeOver();
        var any = false;
        if (Damage is not null || Failure is not null)
            return false;

        _wasOver ??= (SessionPhase)Volatile.Read(ref _session.Header->Phase) is SessionPhase.Ended or SessionPhase.Stopped || !_process.IsAlive();
        var before = _drain.DrainedBytes;
        Guard(() => any = _drain.Round(Clock));
        Load = (_drain.DrainedBytes - before) / ((double)Math.Max(1, _session.Header->Slabs) * WireFormat.SlabBytes);
        ForgetJournal();
        if (Damage is null)
            _requests.Answer();

        _drain.KeepJournalShort();
        _names.LookIfDue(now);
        if (Damage is null)
            _live.WriteIfWatched(now, HeaderLosses);

        if (any)
            _exec.NoteRecords(now);

        if (_sampledSlice != Replay.Timeline.Current && _process.ResidentBytes() is { } resident)
        {
            _drain.SampleResident(_clock.Now(), resident);
            _group?.Look();
            _sampledSlice = Replay.Timeline.Current;
        }

        return any;
    }

    /// <summary>
    /// True if the process waits at its end until it is let go (<see cref="LetGo"/>): then it has ended when its exit handlers ran, and not
    /// only when it is gone.
    /// </summary>
    public bool IsAwaited { get; }

    /// <summary>Returns the way in which the recording ended, or <see langword="null"/> while it continues. Call it after a round that found nothing.</summary>
    public ProcessEnding? Ending()
    {
        if (IsSuperseded)
            return ProcessEnding.Replaced;

        var phase = (SessionPhase)Volatile.Read(ref _session.Header->Phase);
        if (phase == SessionPhase.Stopped)
            return ProcessEnding.Stopped;

        if (IsAwaited && phase == SessionPhase.Ended)
            return EndingOfDead();

        if (!_process.IsAlive())
            return EndingOfDead();

        return _exec.IsReplaced() ? ProcessEnding.Replaced : null;
    }

    /// <summary>Drains the last records of a process that writes no longer, or leaves one that still runs, and takes the last notes.</summary>
    public void Finish(ProcessEnding ending)
    {
        if (Damage is null && ending == ProcessEnding.Running)
            Round();
        else if (Damage is null)
            FinishDrain();

        _names.Apply();
        _drain.EndThreads();
        Replay.Finish();
        Replay.ForgetBlocks();
        _objects.Finish(Replay.Live, Replay.PeakBytes);
        _events?.Finish();
        _group?.Look();
        _losses.AddRange(HeaderLosses());
        if (Damage is not null)
            _losses.Add(new Loss(LossReason.SessionDamaged, 0, Replay.NowNs, null));

        if (_isRest)
            _losses.Add(new Loss(LossReason.CollectedBefore, 0, null, null));
    }

    /// <inheritdoc cref="SessionClaim.Leave"/>
    public void Leave() => SessionClaim.Leave(_claim);

    /// <inheritdoc cref="SessionClaim.Abandon"/>
    public void Abandon() => SessionClaim.Abandon(_claim);

    /// <summary>Stops to follow a process that runs on, as if this collector had been killed: another one continues from its journal.</summary>
    public void Release() => Volatile.Write(ref _claim.Header->CollectorPid, 0);

    /// <inheritdoc cref="SessionClaim.LetGo"/>
    public void LetGo() => SessionClaim.LetGo(_claim);

    /// <summary>Writes one snapshot of a running recording. For the thread that claimed the session.</summary>
    /// <returns>True if there is such a snapshot yet, and its objects are read if they are wanted.</returns>
    /// <exception cref="InvalidTraceException">Its stacks or strings are damaged.</exception>
    /// <exception cref="IOException">The database cannot be written.</exception>
    public bool WriteSnapshot(TraceWriter writer, string name)
    {
        if (Replay.LastSnapshot(name) is not { } snapshot || _objects.IsReading(snapshot))
            return false;

        writer.AddSnapshot(_session, Replay, snapshot, losses: null, _objects.Contents.GetValueOrDefault(snapshot));
        return true;
    }

    /// <summary>Writes the finished recording.</summary>
    /// <exception cref="InvalidTraceException">Its stacks or strings are damaged.</exception>
    /// <exception cref="IOException">The database cannot be written.</exception>
    public void WriteTo(TraceWriter writer, ProcessEnding ending) => writer.Add(_session, Replay, ending, _losses, _events, _objects.Contents, _group);

    /// <summary>Returns what the session says about its process.</summary>
    /// <exception cref="InvalidTraceException">The session is damaged.</exception>
    public ProcessDescription Describe() => ProcessDescription.Read(_session, Replay.TemporaryThreshold);

    /// <summary>Gives a process the sums that the replay has reached. For the thread that claimed the session.</summary>
    /// <exception cref="InvalidTraceException">The session is damaged.</exception>
    public void GiveTo(FollowedProcess process, FrameTrie frames)
    {
        process.ResidentBytes = _process.ResidentBytes();
        Replay.ForgetSnapshots(KeptSnapshots);
        process.Take(_session, Replay, _losses.Count > 0 ? _losses : HeaderLosses(), frames);
    }

    public void Dispose()
    {
        _objects.Dispose();
        _drain.Dispose();
        _events?.Dispose();
        _journal?.Dispose();
        Replay.Dispose();
        _process.Dispose();
        _session.Dispose();
        _claim.Dispose();
    }

    /// <summary>Reads the present mappings of the process; <see langword="null"/> if the system does not allow it.</summary>
    private MemoryMap? ReadMap() => _process.NumberHere is { } pid ? ProcessMapReader.Read(pid, _session.Header->OwnMappings, _session.StacksOfThreads()) : null;

    /// <summary>The clock of a process that runs. What was over when it was first looked at ended at its last record: time does not pass for it.</summary>
    private Func<ulong>? Clock => _wasOver == true ? null : _clock.Now;

    private void TakeOver()
    {
        if (_journal is { } journal)
            Guard(() => _drain.TakeOver(journal));
    }

    private void ForgetJournal()
    {
        _journal?.Dispose();
        _journal = null;
    }

    private void FinishDrain()
    {
        TakeOver();
        if (Damage is null)
            Guard(_drain.Finish);

        ForgetJournal();
    }

    private ProcessEnding EndingOfDead()
    {
        if (Volatile.Read(ref _session.Header->EndedMonoNs) == 0)
            return ProcessEnding.Killed;

        return (SessionPhase)_session.Header->Phase == SessionPhase.Ended && Replay.Finalizing ? ProcessEnding.Finalized : ProcessEnding.Exited;
    }

    /// <summary>Returns the losses that the process itself counted.</summary>
    private List<Loss> HeaderLosses()
    {
        var losses = new List<Loss>();
        AddLoss(LossReason.StackNotKept, _session.Header->LostStacks);
        AddLoss(LossReason.NoThreadSlot, _session.Header->UnslottedEvents);
        return losses;

        void AddLoss(LossReason reason, ulong events)
        {
            if (events != 0)
                losses.Add(new Loss(reason, (long)Math.Min(events, Loss.Most), null, null));
        }
    }

    private void Guard(Action drain)
    {
        try
        {
            drain();
        }
        catch (InvalidTraceException e)
        {
            Damage = e;
        }
        catch (IOException e)
        {
            Failure = new IOException($"{Path}: {e.Message}; 'alloctrace collect' can collect it later", e);
        }
    }
}
