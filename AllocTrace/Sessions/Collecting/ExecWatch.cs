namespace AllocTrace.Sessions;

/// <summary>
/// Notices that a process went on as another program (exec): its session is mapped no longer. The system is asked while nothing is recorded, and less and
/// less often. Used by one thread at a time.
/// </summary>
/// <param name="process">The process of the session.</param>
internal sealed class ExecWatch(TracedProcess process)
{
    /// <summary>The time without a record after which the system is asked.</summary>
    private const ulong FirstCheckNs = 500_000_000, LongestCheckNs = 10_000_000_000;

    private ulong _quietSinceNs = LibC.MonotonicNanoseconds();
    private ulong _checkNs = FirstCheckNs;

    /// <summary>Notes that something was recorded.</summary>
    /// <param name="nowNs">CLOCK_MONOTONIC of this process.</param>
    public void NoteRecords(ulong nowNs)
    {
        _quietSinceNs = nowNs;
        _checkNs = FirstCheckNs;
    }

    /// <summary>Returns true if the system was asked and the session is mapped no longer.</summary>
    public bool IsReplaced()
    {
        var now = LibC.MonotonicNanoseconds();
        if (now - _quietSinceNs < _checkNs)
            return false;

        _quietSinceNs = now;
        _checkNs = Math.Min(2 * _checkNs, LongestCheckNs);
        return !process.MapsSession();
    }
}
