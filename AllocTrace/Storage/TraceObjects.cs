namespace AllocTrace.Storage;

/// <summary>The way in which the types and holders of a snapshot's blocks were read: a row of the table <c>object_snapshot</c>.</summary>
/// <param name="Snapshot">The <see cref="TraceSnapshot.Id"/> of the snapshot.</param>
/// <param name="Method">
/// <c>copy</c> (from a copy of the process), <c>held</c> (from the process itself, whose threads were held meanwhile) or <c>none</c>
/// (requested, but they could not be read).
/// </param>
/// <param name="PauseNs">The time for which the process was held up, in nanoseconds.</param>
/// <param name="Note">A note for readers of the figures, in one line; empty if there is none.</param>
public sealed record TraceObjects(long Snapshot, string Method, long PauseNs, string Note)
{
    /// <summary>True if the types were read.</summary>
    public bool IsRead => Method != "none";
}
