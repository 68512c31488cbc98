namespace AllocTrace.Report.Agent;

/// <summary>
/// The names under which an agent counts what outlives it. Each profile that was ever made is in one of those of profiles, or in the queue.
/// </summary>
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

    /// <summary>Samples with a span.</summary>
    public const string SpanSamples = "span_samples";

    /// <summary>Samples with a span that count for none: there were too many, or an agent was killed before it committed them.</summary>
    public const string SpanSamplesNotKept = "span_samples_not_kept";

    /// <summary>Samples of threads whose trace context could not be read.</summary>
    public const string ContextsUnread = "contexts_unread";

    /// <summary>The counters of profiles.</summary>
    public static IReadOnlyList<string> All { get; } = [Made, Sent, Refused, Rejected, Dropped];
}
