using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>Says in a session who collects it, and how that ended: the process reads it when it ends, and other collectors before they begin.</summary>
internal static unsafe class SessionClaim
{
    /// <summary>Becomes the collector of a session.</summary>
    /// <exception cref="IOException">Another process is.</exception>
    public static void Take(SessionFile session)
    {
        var header = session.Header;
        var present = Volatile.Read(ref header->CollectorPid);
        var isFree = session.TryLock(SessionLock.Collector) ?? (present == 0 || present == Environment.ProcessId || !new ProcessProbe(present, 0).IsAlive());
        if (!isFree || Interlocked.CompareExchange(ref header->CollectorPid, (uint)Environment.ProcessId, present) != present)
            throw new IOException($"{session.Path}: process {Volatile.Read(ref header->CollectorPid)} is already collecting it");

        Volatile.Write(ref header->CollectorBeatNs, LibC.MonotonicNanoseconds());
        header->CollectorAttached++;
    }

    /// <summary>Stops to follow a process that runs on: what was taken out of its session is in the complete database.</summary>
    public static void Leave(SessionFile session)
    {
        Volatile.Write(ref session.Header->CollectorJournal, JournalFormat.Taken);
        JournalFormat.RemoveBeside(session.Path);
        Volatile.Write(ref session.Header->CollectorPid, 0);
    }

    /// <summary>Leaves the session, and the journal of what was taken out of it, to another collector.</summary>
    public static void Abandon(SessionFile session)
    {
        Volatile.Write(ref session.Header->CollectorPid, 0); // before its process may ask who collects it
        Volatile.Write(ref session.Header->CollectorDone, WireFormat.DoneLeft);
    }

    /// <summary>Lets a process that waits at its end go. It may be gone already.</summary>
    public static void LetGo(SessionFile session) => Volatile.Write(ref session.Header->CollectorDone, WireFormat.DoneCollected);
}
