namespace AllocTrace.Storage;

/// <summary>The live blocks of one process at a moment: a row of the table <c>snapshot</c>.</summary>
/// <param name="Id">Its number in the database.</param>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of its process.</param>
/// <param name="Kind">Why it was taken.</param>
/// <param name="Name">The name given to a named one.</param>
/// <param name="AtNs">When, nanoseconds since the process's recording began.</param>
/// <param name="Bytes">What was alive, bytes.</param>
/// <param name="Blocks">How many blocks were alive.</param>
public sealed record TraceSnapshot(long Id, long Process, SnapshotKind Kind, string Name, long AtNs, long Bytes, long Blocks)
{
    /// <summary>True if the program or its user asked for it, as opposed to the snapshots that every process has.</summary>
    public bool IsNamed => Kind == SnapshotKind.Named;
}
