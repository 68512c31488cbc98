namespace AllocTrace.Sessions;

/// <summary>What a traced thread does when there is no room for its records.</summary>
public enum OnFull
{
    /// <summary>It waits for the collector, for a bounded time.</summary>
    Wait,

    /// <summary>It drops the event and counts it.</summary>
    Drop,
}
