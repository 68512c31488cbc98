using AllocTrace.Storage;

namespace AllocTrace.Sessions;

// For those that follow processes without an end.
internal sealed unsafe partial class FollowedSession
{
    /// <summary>The named snapshots that 'alloctrace snapshot' may still ask for.</summary>
    private const int KeptSnapshots = 16;

    /// <summary>True if the sums of the replay are those of the records that were drained: what an earlier collector left was taken over.</summary>
    public bool IsReady => !IsWaiting && _journal is null && Damage is null && Failure is null;

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

    /// <summary>Stops to follow a process that runs on, as if this collector had been killed: another one continues from its journal.</summary>
    public void Release() => Volatile.Write(ref _claim.Header->CollectorPid, 0);
}
