namespace AllocTrace.Replay;

/// <summary>The course of a process: what changed in each time slice, and the snapshots.</summary>
/// <param name="Changes">The changes of sites within slices, by slice and site.</param>
/// <param name="Snapshots">The peak first, then in the order of time.</param>
internal sealed record ReplayCourse(IEnumerable<SliceEntry> Changes, IReadOnlyList<SnapshotImage> Snapshots);
