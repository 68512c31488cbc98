using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// The sessions that a collector follows: finds new ones, drains each in rounds, and lets forked children begin. Threads share them, and
/// each claims a session for its round. The list is replaced as a whole when it changes, so readers need no lock.
/// </summary>
/// <param name="intake">Opens the sessions that appear.</param>
/// <param name="forks">The blocks with which forked children begin.</param>
internal sealed class FollowedSessions(SessionIntake intake, ForkImages forks)
{
    private volatile FollowedSession[] _all = [];
    private volatile bool _hasLooked;

    /// <summary>The sessions that are being followed now.</summary>
    public IReadOnlyList<FollowedSession> All => _all;

    /// <summary>True if there was a look for sessions.</summary>
    public bool HasLooked => _hasLooked;

    /// <summary>Opens the sessions that appeared. Called by one thread at a time.</summary>
    /// <returns>The number of them.</returns>
    public int Scan()
    {
        var opened = intake.OpenNew(_all);
        if (opened.Count > 0)
            Change(sessions => [.. sessions, .. opened]);

        _hasLooked = true;
        return opened.Count;
    }

    /// <summary>Gives each session that no other thread has a round.</summary>
    /// <param name="end">Called for a session whose process has ended. The session stays claimed.</param>
    /// <param name="abandon">Called for a session that this process cannot read. The session stays claimed.</param>
    /// <returns>The highest <see cref="FollowedSession.Load"/>.</returns>
    public double Serve(Action<FollowedSession, ProcessEnding> end, Action<FollowedSession> abandon)
    {
        var load = 0.0;
        foreach (var session in _all)
        {
            if (!session.TryClaim())
                continue;

            if (session.IsWaiting)
                TryBegin(session);

            if (session.Round())
                load = Math.Max(load, session.Load);
            else if (session.Failure is not null)
            {
                abandon(session);
                continue;
            }
            else if (!session.IsWaiting && session.Ending() is { } ending)
            {
                end(session, ending);
                continue;
            }

            session.Unclaim();
        }

        return load;
    }

    /// <summary>Returns the session to end next, or <see langword="null"/> if none is left: parents before their children, which wait for them.</summary>
    public FollowedSession? NextToEnd()
    {
        var left = _all;
        return Array.Find(left, session => !session.IsWaiting || TryBegin(session)) ?? left.FirstOrDefault();
    }

    /// <summary>Lets a child that still waits begin with what is known of its fork by now.</summary>
    public void Begin(FollowedSession child)
    {
        if (child.IsWaiting)
            child.Begin(forks.Take(child.ForkParentPid, child.ForkNumber));
    }

    /// <summary>Takes a session out of the list.</summary>
    /// <returns>The number of sessions that are left.</returns>
    public int Remove(FollowedSession session) => Change(sessions => [.. sessions.Where(other => other != session)]);

    /// <summary>Lets a forked child begin with what its parent had, once the parent's replay has come there, or never will.</summary>
    /// <returns>True if it has begun.</returns>
    private bool TryBegin(FollowedSession child)
    {
        var mayCome = _all.Any(parent => parent.MayFork(child)); // asked first: what comes meanwhile is found below
        var image = forks.Take(child.ForkParentPid, child.ForkNumber);
        if (image is not null || !mayCome)
            child.Begin(image);

        return !child.IsWaiting;
    }

    /// <returns>The number of sessions then. Of several threads that take out the last ones, exactly one sees 0.</returns>
    private int Change(Func<FollowedSession[], FollowedSession[]> change)
    {
        while (true)
        {
            var before = _all;
            var after = change(before);
            if (Interlocked.CompareExchange(ref _all, after, before) == before)
                return after.Length;
        }
    }
}
