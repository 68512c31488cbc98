namespace AllocTrace.Storage;

/// <summary>The event log of a process (option <c>events</c>).</summary>
/// <param name="Process">The number of its process in the database.</param>
/// <param name="Events">How many calls it has.</param>
/// <param name="LeftOut">How many later calls it does not have, because it had reached the largest size.</param>
/// <param name="LeftOutNs">Since when, nanoseconds since the recording began; <see langword="null"/> when nothing was left out.</param>
public sealed record TraceEventLog(long Process, long Events, long LeftOut, long? LeftOutNs);
