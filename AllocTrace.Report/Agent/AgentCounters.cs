namespace AllocTrace.Report.Agent;

/// <summary>The names under which profiles are counted that left the queue. Each profile that was ever made is in one of them, or in the queue.</summary>
internal static class AgentCounters
{
    /// <summary>The receiver took them.</summary>
    public const string Sent = "sent";

    /// <summary>The receiver refused the request permanently.</summary>
    public const string Refused = "refused";

    /// <summary>The receiver took the request, and rejected these of its profiles.</summary>
    public const string Rejected = "rejected";

    /// <summary>The queue had no room for them.</summary>
    public const string Dropped = "dropped";

    /// <summary>Made in all.</summary>
    public const string Made = "made";

    public static IReadOnlyList<string> All { get; } = [Made, Sent, Refused, Rejected, Dropped];
}
