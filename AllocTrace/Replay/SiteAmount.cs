namespace AllocTrace.Replay;

/// <summary>What a site held at a moment.</summary>
internal readonly record struct SiteAmount(uint Site, long Bytes, long Blocks);
