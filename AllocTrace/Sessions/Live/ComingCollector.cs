using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>Waits for the collector of a recording that has just begun: <c>attach</c> and the programs that it records start it beside themselves.</summary>
internal static unsafe class ComingCollector
{
    private const int LookMs = 5;

    /// <summary>The age of a session in which a collector may still be starting, ns.</summary>
    private const ulong YoungNs = 5_000_000_000;

    /// <summary>Returns whether a session has a collector, as soon as it has one or is too old to get one.</summary>
    public static bool Await(SessionFile session)
    {
        while (!session.IsCollected)
        {
            var age = (long)(LibC.MonotonicNanoseconds() - session.Header->StartedMonoNs);
            if (age is < 0 or > (long)YoungNs)
                return false;

            Thread.Sleep(LookMs);
        }

        return true;
    }
}
