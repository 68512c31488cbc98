namespace AllocTrace.Sessions;

/// <summary>
/// Follows processes without an end: drains their sessions, and gives each to a sink when its process has ended. Whoever wants to know what happened
/// meanwhile visits them. It has threads as a <see cref="Collector"/> has. The methods are called by one thread.
/// </summary>
internal sealed class EndlessCollector : IDisposable
{
    /// <summary>The time to wait for a session that another thread replays.</summary>
    private const int LongestVisitWaitMs = 1000;

    private readonly SessionIntake _intake;
    private readonly FollowedSessions _sessions;
    private readonly CollectorThreads _threads;
    private readonly ForkImages _forks = new();
    private readonly ISessionSink _sink;
    private readonly List<string> _problems = [];

    /// <summary>Protects the problems, and the sink from several sessions at once.</summary>
    private readonly Lock _lock = new();

    private volatile bool _hasFailed;

    /// <param name="paths">Names the session files that there are now; asked again and again.</param>
    /// <param name="temporaryThreshold">See <see cref="RecordingOptions.TemporaryThreshold"/>.</param>
    /// <param name="sink">Takes the sessions of processes that have ended.</param>
    public EndlessCollector(Func<IEnumerable<string>> paths, int temporaryThreshold, ISessionSink sink)
    {
        _sink = sink;
        _intake = new SessionIntake(paths, path => FollowedSession.TryOpen(path, temporaryThreshold, _forks, isOneOfMany: true), AddProblem);
        _sessions = new FollowedSessions(_intake, _forks);
        _threads = new CollectorThreads(Look, () => _sessions.Serve(End, Abandon), _ => _hasFailed = true, () => _hasFailed);
    }

    /// <summary>True if nothing is collected any longer. Sessions stay as they are.</summary>
    public bool HasFailed => _hasFailed;

    /// <summary>Begins to watch.</summary>
    public void Start() => _threads.Start();

    /// <summary>Visits the sessions that are being followed, each while no other thread replays it. A session that is busy for too long is left out.</summary>
    /// <returns>The number of those that were left out.</returns>
    public int Visit(Action<FollowedSession> visit)
    {
        var busy = 0;
        foreach (var session in _sessions.All)
        {
            if (!TryClaim(session))
            {
                busy += _sessions.All.Contains(session) ? 1 : 0; // otherwise it ended meanwhile
                continue;
            }

            try
            {
                if (session.IsReady)
                    visit(session);
            }
            finally
            {
                session.Unclaim();
            }
        }

        return busy;
    }

    /// <summary>Returns the problems since the last call.</summary>
    public IReadOnlyList<string> TakeProblems()
    {
        lock (_lock)
        {
            string[] problems = [.. _problems];
            _problems.Clear();
            return problems;
        }
    }

    /// <summary>A session's file is removed: its name need not be known any longer.</summary>
    public void Forget(string path) => _intake.Forget(path);

    /// <summary>Ends the watching and leaves all sessions, with their journals, to another collector.</summary>
    public void Release()
    {
        _threads.Stop();
        foreach (var session in _sessions.All)
            session.Release();
    }

    public void Dispose()
    {
        _threads.Dispose();
        foreach (var session in _sessions.All)
        {
            if (HasFailed)
                session.Abandon(); // this process may go on, and another collector is to have them

            session.Dispose();
        }

        _forks.Dispose();
    }

    private int Look()
    {
        _sessions.Scan();
        return _sessions.All.Count;
    }

    private bool TryClaim(FollowedSession session)
    {
        var wait = new SpinWait();
        var end = Environment.TickCount64 + LongestVisitWaitMs;
        bool isClaimed;
        while (!(isClaimed = session.TryClaim()) && _sessions.All.Contains(session) && Environment.TickCount64 < end)
            wait.SpinOnce();

        return isClaimed;
    }

    private void AddProblem(Exception problem)
    {
        lock (_lock)
            _problems.Add(problem.Message);
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
        {
            if (session.Damage is { } damage)
                _problems.Add(damage.Message);

            _sink.Take(session, ending);
        }

        _sessions.Remove(session);
        if (HasFailed)
            session.Abandon();
        else
            session.LetGo();

        session.Dispose();
    }

    private void Abandon(FollowedSession session)
    {
        AddProblem(session.Failure!);
        _sessions.Remove(session);
        session.Abandon();
        session.Dispose();
    }
}
