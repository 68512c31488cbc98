namespace AllocTrace.Storage;

/// <summary>The event log of a process (option <c>events</c>).</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Events">The number of calls in the log.</param>
/// <param name="LeftOut">The number of later calls that are missing, because the log had reached its largest size.</param>
/// <param name="LeftOutNs">
/// The time of the first missing call, in nanoseconds since the recording of the process began; <see langword="null"/> if none is missing.
/// </param>
public sealed record TraceEventLog(long Process, long Events, long LeftOut, long? LeftOutNs);
