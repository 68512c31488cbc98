namespace AllocTrace.Storage;

/// <summary>The changes of a site in a slice.</summary>
/// <param name="Slice">An index in <see cref="TraceDatabase.Slices"/>.</param>
/// <param name="Site">An index in the <see cref="SiteIndex"/>.</param>
/// <param name="Allocated">What it allocated.</param>
/// <param name="Freed">What was freed of it.</param>
internal readonly record struct SliceChange(int Slice, int Site, MemoryAmount Allocated, MemoryAmount Freed);
