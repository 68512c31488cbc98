using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>CLOCK_MONOTONIC as a session's process reads it, perhaps in another time namespace than this one's.</summary>
internal sealed class SessionClock
{
    private readonly long _offsetNs;

    /// <remarks>CLOCK_REALTIME is the same in all time namespaces, and the session holds both clocks at one moment.</remarks>
    public unsafe SessionClock(SessionHeader* header)
    {
        if (header->TimeNamespace is 0 || header->TimeNamespace == Namespaces.OwnTime)
            return;

        var realtime = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        _offsetNs = (long)(header->StartedMonoNs - header->StartedNs) - ((long)LibC.MonotonicNanoseconds() - realtime);
    }

    /// <summary>Returns the time now, in nanoseconds.</summary>
    public ulong Now() => LibC.MonotonicNanoseconds() + (ulong)_offsetNs;
}
