using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// Drains sessions while they grow, and writes each into a database when its process has ended. One thread serves many
/// sessions; with several busy ones there are as many threads as processors. The methods are called by one thread.
/// </summary>
internal sealed class Collector : IDisposable
{
    private const int ShortestWaitMs = 1, LongestWaitMs = 20;

    /// <summary>
    /// Which share of a session's slabs should be found full at a time. With more the program might run out of them before the next look, or take
    /// others, which are colder; with less the looks cost more than what they find, and hold up the program on a shared core.
    /// </summary>
    private const double LeastLoad = 1.0 / 8, MostLoad = 1.0 / 4;

    /// <summary>The time limit at the end for processes that end with the main one.</summary>
    private const int GraceMs = 500;

    /// <summary>
    /// Sessions stay until their records are in a whole database. With very many processes they would fill the memory: when those that wait
    /// for it have this many bytes, and more than the database, it is made meanwhile.
    /// </summary>
    public long MostRetainedBytes { get; init; } = 256 << 20;

    private readonly SessionIntake _intake;
    private readonly Func<TraceWriter> _createWriter;
    private readonly bool _isAwaited;
    private readonly List<FollowedSession> _waiting = [];
    private readonly List<string> _problems = [];
    private readonly List<uint> _running = [];
    private readonly ForkImages _forks = new();
    private readonly CollectedSessions _collected = new();
    private readonly List<FollowedSession> _left = [];
    private readonly Lock _writing = new(), _changing = new();
    private readonly List<Thread> _workers = [];
    private readonly ManualResetEventSlim _stop = new();
    private volatile FollowedSession[] _sessions = [];
    private volatile bool _hasLooked;
    private TraceWriter? _writer;
    private volatile IOException? _failure;

    /// <param name="paths">Names the session files that there are now; asked again and again.</param>
    /// <param name="temporaryThreshold">See <see cref="RecordingOptions.TemporaryThreshold"/>.</param>
    /// <param name="createWriter">Begins the database, when there is something to write.</param>
    /// <param name="isAwaited">Processes wait at their end until they are let go: the last one until the database is there (<see cref="Publish"/>).</param>
    public Collector(Func<IEnumerable<string>> paths, int temporaryThreshold, Func<TraceWriter> createWriter, bool isAwaited = false)
    {
        _isAwaited = isAwaited;
        _createWriter = createWriter;
        _intake = new SessionIntake(paths, path => FollowedSession.TryOpen(path, temporaryThreshold, _forks, isAwaited), problem =>
        {
            lock (_writing)
                AddProblem(problem);
        });
    }

    /// <summary>True if there was a look for sessions.</summary>
    public bool HasLooked => _hasLooked;

    /// <summary>True if there will be no database: <see cref="Complete"/> says why. Sessions stay as they are.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>True if there are sessions that another collector could go on with. After <see cref="Complete"/>.</summary>
    public bool HasAbandoned { get; private set; }

    /// <summary>True if the recording's last process waits for the database.</summary>
    public bool HasWaiting
    {
        get
        {
            lock (_writing)
                return _waiting.Count > 0;
        }
    }

    /// <summary>All files that were looked at. After <see cref="Complete"/>.</summary>
    public IReadOnlyCollection<string> Seen => _intake.Seen;

    /// <summary>The number of sessions that are being followed.</summary>
    public int FollowedCount => _sessions.Length;

    /// <summary>The number of processes that were recorded.</summary>
    public int ProcessCount => _writer?.ProcessCount ?? 0;

    /// <summary>The problems with single sessions, one line each. Complete after <see cref="Complete"/>.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>True if a problem is that a file is damaged, or no session at all. After <see cref="Complete"/>.</summary>
    public bool HasDamage { get; private set; }

    /// <summary>The files whose last record is in the database, or that had none. After <see cref="Complete"/>.</summary>
    public IReadOnlyList<string> Collected => _collected.Paths;

    /// <summary>Files that are no session yet: their process has not finished making them, or died meanwhile. After <see cref="Complete"/>.</summary>
    public IReadOnlyCollection<string> Unmade => _intake.Unmade;

    /// <summary>The processes that were still running at the end. After <see cref="Complete"/>.</summary>
    public IReadOnlyList<uint> Running => _running;

    /// <summary>Begins to watch.</summary>
    public void Start() => AddWorker();

    /// <summary>Waits until the processes of all sessions have ended.</summary>
    /// <param name="running">Called now and then with how many have not.</param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <param name="isWatching">Whether more processes may come: then only <paramref name="stop"/> ends it.</param>
    public void WaitForProcesses(Action<int>? running, CancellationToken stop, bool isWatching = false)
    {
        while ((isWatching || !_hasLooked || _intake.IsShort || _sessions.Length > 0) && !HasFailed && !stop.IsCancellationRequested)
        {
            running?.Invoke(_sessions.Length);
            stop.WaitHandle.WaitOne(LongestWaitMs);
        }
    }

    /// <summary>
    /// The main process has ended: drains what is left, leaves what still runs, and completes the database. A process that waits for it is let
    /// go by <see cref="Dispose"/>.
    /// </summary>
    /// <returns>True if there is a database; otherwise nothing was recorded.</returns>
    /// <exception cref="IOException">The database cannot be written. The message is one line.</exception>
    public bool Complete()
    {
        StopWorkers();
        do
        {
            DrainToTheEnd();
            EndAll();
        }
        while (_intake.IsShort && !HasFailed && Scan() > 0);

        foreach (var path in _intake.Postponed.Where(File.Exists))
            AddProblem(new IOException($"{path}: not collected: too many sessions at once for the limits of this process. Raise ulimit -n or ulimit -v"));

        HasAbandoned |= _intake.Postponed.Count > 0;
        if (_failure is not null)
            throw _failure;

        Guard(() => _writer?.Complete());
        foreach (var session in _left)
        {
            session.LetGo();
            session.Leave();
        }

        return _writer is not null;
    }

    /// <summary>
    /// Gives the database its name with what is in it so far, removes the sessions that it holds, and lets the process go that waits for it.
    /// More can be collected afterwards.
    /// </summary>
    /// <exception cref="IOException">The database cannot be written. The message is one line.</exception>
    public void Publish()
    {
        lock (_writing)
        {
            if (_failure is not null)
                throw _failure;

            Guard(() => _writer?.Publish());
            RemoveCollected();
            LetGo();
        }
    }

    private void Guard(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            _failure = e;
            throw;
        }
    }

    private void DrainToTheEnd()
    {
        var end = Environment.TickCount64 + GraceMs;
        while (!HasFailed)
        {
            Scan();
            Serve();
            if ((_sessions.Length == 0 && _intake.Unmade.Count == 0) || Environment.TickCount64 >= end)
                break;

            Thread.Sleep(ShortestWaitMs);
        }
    }

    private void EndAll()
    {
        while (!HasFailed && _sessions is [var first, ..] left)
        {
            // Parents before their children, which wait for them. A process that is gone is never taken for a running one, however late it is.
            var session = Array.Find(left, session => !session.IsWaiting || TryBegin(session)) ?? first;
            var ending = session.Ending() ?? ProcessEnding.Running;
            if (ending == ProcessEnding.Running)
                _running.Add(session.Pid);

            End(session, ending);
        }
    }

    /// <summary>Writes a snapshot that a process took of itself, once it is replayed.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="name">The snapshot's name; the last of that name is meant.</param>
    /// <param name="writer">The database to write to.</param>
    /// <returns>True if it was written; otherwise it is not replayed yet, or the process is not followed.</returns>
    /// <exception cref="IOException">The database cannot be written.</exception>
    public bool TryWriteSnapshot(uint pid, string name, TraceWriter writer)
    {
        var session = Array.Find(_sessions, session => session.Pid == pid);
        if (session is null || !session.TryClaim())
            return false;

        try
        {
            return session.WriteSnapshot(writer, name);
        }
        finally
        {
            session.Unclaim();
        }
    }

    /// <summary>Removes the sessions that the database holds.</summary>
    public void RemoveCollected() => _collected.RemoveAll();

    public void Dispose()
    {
        StopWorkers();
        LetGo();
        foreach (var session in _sessions.Concat(_left))
        {
            if (HasFailed)
                session.Abandon(); // this process may go on, and another collector is to have them

            session.Dispose();
        }

        _forks.Dispose();
        _writer?.Dispose();
        _stop.Dispose();
    }

    private void LetGo()
    {
        _waiting.ForEach(LetGo);
        _waiting.Clear();
    }

    /// <summary>Lets its process end, and tells it if there will be no database.</summary>
    private void LetGo(FollowedSession session)
    {
        if (HasFailed)
            session.Abandon();
        else
            session.LetGo();

        session.Dispose();
    }

    private void AddWorker()
    {
        var isFirst = _workers.Count == 0;
        var worker = new Thread(() => Work(isFirst)) { IsBackground = true, Name = "alloctrace collector" };
        _workers.Add(worker);
        worker.Start();
    }

    private void Work(bool isFirst)
    {
        try
        {
            for (var waitMs = ShortestWaitMs; !HasFailed && !_stop.Wait(waitMs);)
            {
                if (isFirst)
                {
                    Scan();
                    if (_workers.Count < Math.Min(Environment.ProcessorCount, _sessions.Length))
                        AddWorker();
                }

                waitMs = Serve() switch
                {
                    > MostLoad => Math.Max(waitMs / 2, ShortestWaitMs),
                    < LeastLoad => Math.Min(2 * waitMs, LongestWaitMs),
                    _ => waitMs,
                };
            }
        }
        catch (Exception e) // this may be a thread of a host, which must not die of it
        {
            _failure = e switch
            {
                IOException known => known,
                OutOfMemoryException => new IOException("there is not enough memory to collect the recording", e),
                _ => new IOException($"internal error: {e.GetType().Name}: {e.Message}", e),
            };
        }
    }

    private void StopWorkers()
    {
        _stop.Set();
        for (var i = 0; i < _workers.Count; i++)
            _workers[i].Join(); // the first one, which adds the others, adds none any longer

        _workers.Clear();
    }

    /// <summary>Opens the sessions that appeared.</summary>
    /// <returns>The number of them.</returns>
    private int Scan()
    {
        var opened = _intake.OpenNew(_sessions);
        if (opened.Count > 0)
            Change(sessions => [.. sessions, .. opened]);

        _hasLooked = true;
        return opened.Count;
    }

    /// <summary>Gives each session that no other thread has a round.</summary>
    /// <returns>The highest <see cref="FollowedSession.Load"/>.</returns>
    private double Serve()
    {
        var load = 0.0;
        foreach (var session in _sessions)
        {
            if (!session.TryClaim())
                continue;

            // A session that was ended by another thread stays claimed.
            if (session.IsWaiting)
                TryBegin(session);

            if (session.Round())
                load = Math.Max(load, session.Load);
            else if (session.Failure is not null)
            {
                Abandon(session);
                continue;
            }
            else if (!session.IsWaiting && session.Ending() is { } ending)
            {
                End(session, ending);
                continue;
            }

            session.Unclaim();
        }

        return load;
    }

    /// <summary>Lets a forked child begin with what its parent had, once the parent's replay has come there, or never will.</summary>
    /// <returns>True if it has begun.</returns>
    private bool TryBegin(FollowedSession child)
    {
        var mayCome = _sessions.Any(parent => parent.MayFork(child)); // asked first: what comes meanwhile is found below
        var image = _forks.Take(child.ForkParentPid, child.ForkNumber);
        if (image is not null || !mayCome)
            child.Begin(image);

        return !child.IsWaiting;
    }

    private void End(FollowedSession session, ProcessEnding ending)
    {
        if (session.IsWaiting)
            session.Begin(_forks.Take(session.ForkParentPid, session.ForkNumber));

        session.Finish(ending);
        if (session.Failure is not null)
        {
            Abandon(session);
            return;
        }

        lock (_writing)
        {
            if (session.Damage is { } damage)
                AddProblem(damage);

            if (Write(session, ending) && session.Damage is null && ending != ProcessEnding.Running)
                Retain(session);
        }

        var left = Change(sessions => [.. sessions.Where(other => other != session)]);
        if (ending == ProcessEnding.Running)
        {
            _left.Add(session);
            return;
        }

        if (_isAwaited && left == 0)
        {
            lock (_writing)
                _waiting.Add(session);
            return;
        }

        LetGo(session);
    }

    private void Abandon(FollowedSession session)
    {
        lock (_writing)
        {
            AddProblem(session.Failure!);
            HasAbandoned = true;
        }

        Change(sessions => [.. sessions.Where(other => other != session)]);
        session.Abandon();
        session.Dispose();
    }

    /// <summary>Keeps a session until the database is whole, which is made now if there are too many.</summary>
    private void Retain(FollowedSession session)
    {
        _collected.Add(session);
        if (_collected.Bytes < Math.Max(MostRetainedBytes, _writer?.Bytes ?? 0))
            return;

        try
        {
            _writer?.Publish();
            _collected.RemoveFinished();
        }
        catch (IOException e)
        {
            _failure = e;
        }
    }

    /// <returns>True if the database has it now, or there was nothing to write.</returns>
    private bool Write(FollowedSession session, ProcessEnding ending)
    {
        if (session.Replay.IsEmpty || _failure is not null)
            return _failure is null;

        try
        {
            _writer ??= _createWriter();
            session.WriteTo(_writer, ending);
            return true;
        }
        catch (InvalidTraceException e)
        {
            AddProblem(e);
        }
        catch (IOException e)
        {
            _failure = e;
        }

        return false;
    }

    private void AddProblem(Exception problem)
    {
        _problems.Add(problem.Message);
        HasDamage |= problem is InvalidTraceException;
    }

    /// <returns>The number of them then.</returns>
    private int Change(Func<FollowedSession[], FollowedSession[]> change)
    {
        lock (_changing)
            return (_sessions = change(_sessions)).Length;
    }
}
