namespace AllocTrace.Storage;

/// <summary>Takes one site.</summary>
internal delegate void SiteVisitor(in SiteCounters site);
