namespace AllocTrace.Sessions;

/// <summary>The behavior of a traced thread when there is no room for its records.</summary>
public enum OnFull
{
    /// <summary>It waits for the collector, for a bounded time.</summary>
    Wait,

    /// <summary>It drops the event and counts it.</summary>
    Drop,
}
