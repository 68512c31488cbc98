namespace AllocTrace.Storage;

/// <summary>Something that is missing from a recording: a row of the table <c>loss</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of its process.</param>
/// <param name="Thread">The <see cref="TraceThread.Id"/> of its thread, when one is known.</param>
/// <param name="Reason">Why.</param>
/// <param name="Events">How many events it concerns.</param>
/// <param name="FirstNs">When it began, nanoseconds since the process's recording began; <see langword="null"/> when not known.</param>
/// <param name="LastNs">When it ended, on the same clock.</param>
public sealed record TraceLoss(long Process, long? Thread, LossReason Reason, long Events, long? FirstNs, long? LastNs);
