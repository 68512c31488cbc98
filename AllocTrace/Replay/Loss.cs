namespace AllocTrace.Replay;

/// <summary>Something that is missing from a recording.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Events">The number of events.</param>
/// <param name="FirstNs">The time of the first one, in nanoseconds since the recording began; <see langword="null"/> if unknown.</param>
/// <param name="LastNs">The time of the last one, on the same clock.</param>
internal sealed record Loss(LossReason Reason, long Events, long? FirstNs, long? LastNs)
{
    /// <summary>The limit of a plausible number of events: a file with more is damaged.</summary>
    public const ulong Most = 1UL << 56;
}
