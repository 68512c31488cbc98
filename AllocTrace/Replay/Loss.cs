namespace AllocTrace.Replay;

/// <summary>Something that is missing from a recording.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Events">How many events.</param>
/// <param name="FirstNs">When it began, ns since the recording began; <see langword="null"/> when not known.</param>
/// <param name="LastNs">When it ended, on the same clock.</param>
internal sealed record Loss(LossReason Reason, long Events, long? FirstNs, long? LastNs)
{
    /// <summary>More events than this nobody makes in a life: a file that says so is damaged.</summary>
    public const ulong Most = 1UL << 56;
}
