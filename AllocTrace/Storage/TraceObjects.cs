namespace AllocTrace.Storage;

/// <summary>That the types and holders of a snapshot's blocks are known, and how they were read: a row of the table <c>object_snapshot</c>.</summary>
/// <param name="Snapshot">The <see cref="TraceSnapshot.Id"/> of the snapshot.</param>
/// <param name="Method">
/// <c>copy</c> (of the process), <c>held</c> (its memory was read while its threads were held) or <c>none</c> (it was asked for, and could not be read).
/// </param>
/// <param name="PauseNs">How long the process was held up, nanoseconds.</param>
/// <param name="Note">What a reader of the figures has to know, in one line; empty when there is nothing.</param>
public sealed record TraceObjects(long Snapshot, string Method, long PauseNs, string Note)
{
    /// <summary>True if the types were read.</summary>
    public bool IsRead => Method != "none";
}
