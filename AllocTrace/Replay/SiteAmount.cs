namespace AllocTrace.Replay;

/// <summary>The live bytes and blocks of a site at a moment.</summary>
internal readonly record struct SiteAmount(uint Site, long Bytes, long Blocks);
