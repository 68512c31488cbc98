namespace AllocTrace.Replay;

/// <summary>A live block of memory.</summary>
/// <param name="Bytes">Bytes as requested.</param>
/// <param name="Site">The site that allocated it; 0 is no block.</param>
internal readonly record struct LiveBlock(ulong Bytes, uint Site);
