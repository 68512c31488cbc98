namespace AllocTrace.Sessions;

/// <summary>The behavior of a traced thread when there is no room for its records.</summary>
public enum OnFull
{
    /// <summary>The thread waits for the collector, for a bounded time.</summary>
    Wait,

    /// <summary>The thread drops the event and counts it as lost.</summary>
    Drop,
}
