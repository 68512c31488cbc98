namespace AllocTrace.Sessions;

// For those that follow processes without an end, and write what happens meanwhile.
internal sealed partial class Collector
{
    /// <summary>The time limit for a session that another thread replays.</summary>
    private const int VisitPatienceMs = 1000;

    private readonly ISessionSink? _sink;

    /// <param name="paths">Names the session files that there are now; asked again and again.</param>
    /// <param name="temporaryThreshold">See <see cref="RecordingOptions.TemporaryThreshold"/>.</param>
    /// <param name="sink">Takes the sessions of processes that have ended.</param>
    public Collector(Func<IEnumerable<string>> paths, int temporaryThreshold, ISessionSink sink)
        : this(paths, temporaryThreshold, () => throw new InvalidOperationException("a sink takes the sessions"))
    {
        _sink = sink;
    }

    /// <summary>Visits the sessions that are being followed, each while no other thread replays it. A session that is busy for too long is left out.</summary>
    /// <returns>The number of sessions that were left out.</returns>
    public int Visit(Action<FollowedSession> visit)
    {
        var busy = 0;
        foreach (var session in _sessions.All)
        {
            var wait = new SpinWait();
            var end = Environment.TickCount64 + VisitPatienceMs;
            bool isClaimed;
            while (!(isClaimed = session.TryClaim()) && _sessions.All.Contains(session) && Environment.TickCount64 < end)
                wait.SpinOnce();

            if (!isClaimed)
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
            return _database.TakeProblems();
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

    private void GiveToSink(FollowedSession session, ProcessEnding ending)
    {
        if (session.Damage is { } damage)
            _database.AddProblem(damage);

        _sink!.Take(session, ending);
    }
}
