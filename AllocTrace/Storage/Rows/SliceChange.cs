namespace AllocTrace.Storage;

/// <summary>The changes of a site in a slice.</summary>
/// <param name="Slice">An index in <see cref="TraceDatabase.Slices"/>.</param>
/// <param name="Site">An index in the <see cref="SiteIndex"/>.</param>
/// <param name="Allocated">The allocations of the site in the slice.</param>
/// <param name="Freed">The blocks of the site that were freed in the slice.</param>
internal readonly record struct SliceChange(int Slice, int Site, MemoryAmount Allocated, MemoryAmount Freed);
