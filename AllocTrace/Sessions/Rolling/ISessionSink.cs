namespace AllocTrace.Sessions;

/// <summary>Takes sessions that were drained to their end, in place of a database.</summary>
internal interface ISessionSink
{
    /// <summary>Takes what a session has. It is closed afterwards; its file stays until the sink removes it.</summary>
    /// <param name="session">Drained and finished; claimed by the calling thread.</param>
    /// <param name="ending">The way in which the recording ended.</param>
    void Take(FollowedSession session, ProcessEnding ending);
}
