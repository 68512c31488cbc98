using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>A session whose recording was stopped while its process continues.</summary>
internal static unsafe class StoppedSession
{
    private const int LookMs = 5;

    /// <summary>The time limit for a collector to begin.</summary>
    private const int BeginningMs = 20_000;

    /// <summary>Waits until the recording's own collector has it in a whole database, which removes its file.</summary>
    /// <returns>
    /// True if it was collected. Otherwise <c>run</c> or <c>collect</c> drains the session, or it waits for <c>collect</c>, or other
    /// processes of the recording continue.
    /// </returns>
    /// <exception cref="IOException">The recording's collector has ended. The message is one line.</exception>
    public static bool AwaitCollected(string path)
    {
        var end = Environment.TickCount64 + BeginningMs;
        using var session = Open(path);
        if (session is null)
            return true;

        while (File.Exists(path))
        {
            var collector = Volatile.Read(ref session.Header->CollectorPid);
            var isDone = Volatile.Read(ref session.Header->CollectorDone) != 0;
            var isOwn = HostCollection.DatabaseOf(collector) is not null;
            var isLate = collector == 0 && Environment.TickCount64 > end;
            if (isDone || isLate || (collector != 0 && !isOwn))
                return !File.Exists(path) || IsLeft(session, collector);

            Thread.Sleep(LookMs);
        }

        return true;
    }

    private static bool IsLeft(SessionFile session, uint collector) => collector == 0 || session.IsCollected
        ? false
        : throw new IOException($"the recording has ended, but its collector (process {collector}) ended too early: run 'alloctrace collect {session.Path}'");

    private static SessionFile? Open(string path)
    {
        try
        {
            return SessionFile.TryOpen(path, shared: false);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
