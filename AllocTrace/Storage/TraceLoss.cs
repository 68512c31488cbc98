namespace AllocTrace.Storage;

/// <summary>Something that is missing from a recording: a row of the table <c>loss</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Thread">The <see cref="TraceThread.Id"/> of the thread, or <see langword="null"/> if unknown.</param>
/// <param name="Reason">The reason.</param>
/// <param name="Events">The number of events that are missing or incomplete.</param>
/// <param name="FirstNs">
/// The time of the first one, in nanoseconds since the recording of the process began; <see langword="null"/> if unknown.
/// </param>
/// <param name="LastNs">The time of the last one, on the same clock.</param>
public sealed record TraceLoss(long Process, long? Thread, LossReason Reason, long Events, long? FirstNs, long? LastNs);
