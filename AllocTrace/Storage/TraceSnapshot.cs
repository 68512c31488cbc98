namespace AllocTrace.Storage;

/// <summary>A snapshot of the live blocks of one process: a row of the table <c>snapshot</c>.</summary>
/// <param name="Id">The number of the snapshot in the database.</param>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Kind">The reason for which it was taken.</param>
/// <param name="Name">The name of a named snapshot, otherwise empty.</param>
/// <param name="AtNs">The time of the snapshot, in nanoseconds since the recording of the process began.</param>
/// <param name="Bytes">The size of the live blocks together, in bytes.</param>
/// <param name="Blocks">The number of live blocks.</param>
public sealed record TraceSnapshot(long Id, long Process, SnapshotKind Kind, string Name, long AtNs, long Bytes, long Blocks)
{
    /// <summary>True if the program or its user requested it; the peak and the end are snapshots that every process has.</summary>
    public bool IsNamed => Kind == SnapshotKind.Named;
}
