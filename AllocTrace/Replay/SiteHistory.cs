namespace AllocTrace.Replay;

/// <summary>The part of a site that is touched only when a peak or a slice has passed since its last change.</summary>
internal struct SiteHistory
{
    /// <summary>The live bytes at the peak numbered <see cref="PeakEpoch"/>.</summary>
    public long PeakBytes;

    public long PeakBlocks;

    /// <summary>The peak that the copy belongs to. If it is not the last one, the site has not changed since the last one.</summary>
    public ulong PeakEpoch;

    /// <summary>The slice in which it last changed; −1 before the first change.</summary>
    public int Slice;

    /// <summary>The stack, as a node of the session.</summary>
    public uint Stack;
}
