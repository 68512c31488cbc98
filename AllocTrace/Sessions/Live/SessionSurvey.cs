using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>Reads a session without collecting it. Leaves its file unchanged.</summary>
/// <param name="Pid">The process that it is of.</param>
/// <param name="StartedNs">The time at which it was begun, CLOCK_REALTIME.</param>
internal sealed unsafe record SessionSurvey(uint Pid, ulong StartedNs)
{
    /// <summary>Looks at a session.</summary>
    /// <returns><see langword="null"/> if it cannot be read; its collector finds the reason.</returns>
    public static SessionSurvey? TryRead(string path) =>
        Look(path, session => new SessionSurvey(session.Header->Pid, session.Header->StartedNs));

    /// <summary>Returns whether some process collects it at the moment.</summary>
    public static bool IsCollected(string path) => Look(path, session => session.IsCollected);

    private static T? Look<T>(string path, Func<SessionFile, T> look)
    {
        try
        {
            using var session = SessionFile.TryOpen(path, shared: false);
            return session is null ? default : look(session);
        }
        catch (Exception e) when (e is InvalidTraceException or IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
