using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// Drains sessions while they grow, and writes each into a database when its process has ended. One thread serves many
/// sessions; with several busy ones there are as many threads as processors. The methods are called by one thread.
/// </summary>
/// <remarks>
/// The states of a session:
/// <code>
///                      ┌── round ──┐        process ended             in the database       database whole
///   file ── Scan ──► followed ◄────┘ ───────── End ─────► written ───────────────────► retained ─────────► removed
///                      │   │                     │           └─ the last one, if awaited: waits for the database, then LetGo
///                      │   │                     └─ still running at Complete: left, to be followed by nobody
///                      │   └─ a child waits for its parent's fork before its first round (TryBegin)
///                      └─ cannot be read by this process, or no database can be written: Abandon, for another collector
/// </code>
/// A thread claims a session for its round, and a session that ends stays claimed. One lock protects everything that threads share beyond that: the
/// database, the problems and the sessions that wait for the database. It is not held while records are replayed.
/// </remarks>
internal sealed class Collector : IDisposable
{
    /// <summary>The time limit at the end for processes that end with the main one.</summary>
    private const int GraceMs = 500;

    private readonly SessionIntake _intake;
    private readonly FollowedSessions _sessions;
    private readonly CollectorThreads _threads;
    private readonly CollectedDatabase _database;
    private readonly bool _isAwaited;
    private readonly List<FollowedSession> _waiting = [], _left = [];
    private readonly List<uint> _running = [];
    private readonly ForkImages _forks = new();
    private readonly Lock _lock = new();

    /// <param name="paths">Names the session files that there are now; asked again and again.</param>
    /// <param name="temporaryThreshold">See <see cref="RecordingOptions.TemporaryThreshold"/>.</param>
    /// <param name="createWriter">Begins the database, when there is something to write, with the stacks that were written before if there are any.</param>
    /// <param name="isAwaited">Processes wait at their end until they are let go: the last one until the database is there (<see cref="Publish"/>).</param>
    public Collector(Func<IEnumerable<string>> paths, int temporaryThreshold, Func<EarlyStacks?, TraceWriter> createWriter, bool isAwaited = false)
    {
        _isAwaited = isAwaited;
        _database = new CollectedDatabase(createWriter);
        _intake = new SessionIntake(paths, path => FollowedSession.TryOpen(path, temporaryThreshold, _forks, isAwaited), AddProblem);
        _sessions = new FollowedSessions(_intake, _forks);
        _threads = new CollectorThreads(Look, ServeEarly, Fail, () => HasFailed);
    }

    /// <summary>
    /// Sessions stay until their records are in a whole database. With very many processes they would fill the memory: when those that wait
    /// for it have this many bytes, and more than the database, it is made meanwhile.
    /// </summary>
    public long MostRetainedBytes
    {
        get => _database.MostRetainedBytes;
        init => _database.MostRetainedBytes = value;
    }

    /// <summary>The number of sites from which on a session's stacks are written while it grows.</summary>
    public uint EarlySites
    {
        init => _database.EarlySites = value;
    }

    /// <summary>Called by each thread of the collector before anything else.</summary>
    public Action BeginThread
    {
        init => _threads.Begin = value;
    }

    /// <summary>True if there was a look for sessions.</summary>
    public bool HasLooked => _sessions.HasLooked;

    /// <summary>True if there will be no database, for the reason that <see cref="Complete"/> throws. Sessions are not changed.</summary>
    public bool HasFailed => _database.Failure is not null;

    /// <summary>True if there are sessions that another collector could continue. Valid after <see cref="Complete"/>.</summary>
    public bool HasAbandoned { get; private set; }

    /// <summary>True if the recording's last process waits for the database.</summary>
    public bool HasWaiting
    {
        get
        {
            lock (_lock)
                return _waiting.Count > 0;
        }
    }

    /// <summary>All files that were looked at. After <see cref="Complete"/>.</summary>
    public IReadOnlyCollection<string> Seen => _intake.Seen;

    /// <summary>The number of sessions that are being followed.</summary>
    public int FollowedCount => _sessions.All.Count;

    /// <summary>The number of processes that were recorded.</summary>
    public int ProcessCount => _database.ProcessCount;

    /// <summary>The problems with single sessions, one line each. Complete after <see cref="Complete"/>.</summary>
    public IReadOnlyList<string> Problems => _database.Problems;

    /// <summary>True if a problem is that a file is damaged, or no session at all. After <see cref="Complete"/>.</summary>
    public bool HasDamage => _database.HasDamage;

    /// <summary>The files whose last record is in the database, or that had none. After <see cref="Complete"/>.</summary>
    public IReadOnlyList<string> Collected => _database.Collected;

    /// <summary>Files that are no session yet: their process has not finished making them, or died meanwhile. After <see cref="Complete"/>.</summary>
    public IReadOnlyCollection<string> Unmade => _intake.Unmade;

    /// <summary>The processes that were still running at the end. After <see cref="Complete"/>.</summary>
    public IReadOnlyList<uint> Running => _running;

    /// <summary>Begins to watch.</summary>
    public void Start() => _threads.Start();

    /// <summary>Waits until the processes of all sessions have ended.</summary>
    /// <param name="running">Called now and then with how many have not.</param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <param name="isWatching">True if more processes may come: only <paramref name="stop"/> ends the waiting.</param>
    public void WaitForProcesses(Action<int>? running, CancellationToken stop, bool isWatching = false)
    {
        while ((isWatching || !HasLooked || _intake.IsShort || FollowedCount > 0) && !HasFailed && !stop.IsCancellationRequested)
        {
            running?.Invoke(FollowedCount);
            stop.WaitHandle.WaitOne(CollectorThreads.LongestWaitMs);
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
        _threads.Stop();
        do
        {
            DrainToTheEnd();
            EndAll();
        }
        while (_intake.IsShort && !HasFailed && _sessions.Scan() > 0);

        foreach (var path in _intake.Postponed.Where(File.Exists))
            AddProblem(new IOException($"{path}: not collected: too many sessions at once for the limits of this process. Raise ulimit -n or ulimit -v"));

        HasAbandoned |= _intake.Postponed.Count > 0;
        _database.Complete();
        foreach (var session in _left)
        {
            session.LetGo();
            session.Leave();
        }

        return _database.Exists;
    }

    /// <summary>
    /// Gives the database its name with what is in it so far, removes the sessions that it holds, and lets the process go that waits for it.
    /// More can be collected afterwards.
    /// </summary>
    /// <exception cref="IOException">The database cannot be written. The message is one line.</exception>
    public void Publish()
    {
        lock (_lock)
        {
            _database.Publish();
            LetGo();
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
        var session = _sessions.All.FirstOrDefault(session => session.Pid == pid);
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
    public void RemoveCollected() => _database.RemoveCollected();

    public void Dispose()
    {
        _threads.Dispose();
        LetGo();
        foreach (var session in _sessions.All.Concat(_left))
        {
            if (HasFailed)
                session.Abandon(); // this process may go on, and another collector is to have them

            session.Dispose();
        }

        _forks.Dispose();
        _database.Dispose();
    }

    private int Look()
    {
        _sessions.Scan();
        return FollowedCount;
    }

    private double Serve() => _sessions.Serve(End, Abandon);

    /// <summary>Serves sessions while their processes run. Writes stacks when there is time for it: when slabs are half full, programs would wait.</summary>
    private double ServeEarly()
    {
        var load = Serve();
        if (load < CollectorThreads.HighLoad)
            WriteStacks(load < CollectorThreads.LeastLoad ? 4u : 1);

        return load;
    }

    private void WriteStacks(uint shares)
    {
        foreach (var session in _sessions.All)
        {
            if (!session.TryClaim())
                continue;

            if (_lock.TryEnter()) // a session that ends may be written for a second
            {
                try
                {
                    _database.AddStacks(session, shares);
                }
                finally
                {
                    _lock.Exit();
                }
            }

            session.Unclaim();
        }
    }

    private void Fail(Exception e) => _database.Failure = e switch
    {
        IOException known => known,
        OutOfMemoryException => new IOException("there is not enough memory to collect the recording", e),
        _ => new IOException($"internal error: {e.GetType().Name}: {e.Message}", e),
    };

    private void AddProblem(Exception problem)
    {
        lock (_lock)
            _database.AddProblem(problem);
    }

    private void DrainToTheEnd()
    {
        var end = Environment.TickCount64 + GraceMs;
        while (!HasFailed)
        {
            _sessions.Scan();
            var load = Serve();
            if ((FollowedCount == 0 && _intake.Unmade.Count == 0) || Environment.TickCount64 >= end)
                break;

            if (load == 0) // otherwise the next round may find that a process has ended
                Thread.Sleep(CollectorThreads.ShortestWaitMs);
        }
    }

    private void EndAll()
    {
        while (!HasFailed && _sessions.NextToEnd() is { } session)
        {
            // A process that is gone is never taken for a running one, however late it is.
            var ending = session.Ending() ?? ProcessEnding.Running;
            if (ending == ProcessEnding.Running)
                _running.Add(session.Pid);

            End(session, ending);
        }
    }

    private void End(FollowedSession session, ProcessEnding ending)
    {
        _sessions.Begin(session);
        session.Finish(ending);
        if (session.Failure is not null)
        {
            Abandon(session);
            return;
        }

        lock (_lock)
            _database.Add(session, ending);

        var left = _sessions.Remove(session);
        if (ending == ProcessEnding.Running)
        {
            _left.Add(session);
            return;
        }

        if (_isAwaited && left == 0)
        {
            lock (_lock)
                _waiting.Add(session);
            return;
        }

        LetGo(session);
    }

    private void Abandon(FollowedSession session)
    {
        lock (_lock)
        {
            _database.AddProblem(session.Failure!);
            HasAbandoned = true;
        }

        _sessions.Remove(session);
        session.Abandon();
        session.Dispose();
    }

    private void LetGo()
    {
        _waiting.ForEach(LetGo);
        _waiting.Clear();
    }

    /// <summary>Lets the process of a session end, and tells it if there will be no database.</summary>
    private void LetGo(FollowedSession session)
    {
        if (HasFailed)
            session.Abandon();
        else
            session.LetGo();

        session.Dispose();
    }
}
