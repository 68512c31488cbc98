namespace AllocTrace.Storage;

/// <summary>A time slice of one process: a row of the table <c>slice</c>.</summary>
/// <param name="Id">The number of the slice in the database.</param>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="StartNs">The beginning, in nanoseconds since the recording of the process began.</param>
/// <param name="EndNs">The end, on the same clock.</param>
/// <param name="LiveBytes">The live blocks at its end, in bytes as requested by the program.</param>
/// <param name="LiveBlocks">The number of live blocks at its end.</param>
/// <param name="HighestBytes">The largest amount of live bytes in it.</param>
/// <param name="ResidentBytes">
/// The resident memory of the process in bytes, as the system counts it; <see langword="null"/> if it was not read.
/// </param>
public sealed record TraceSlice(
    long Id, long Process, long StartNs, long EndNs, long LiveBytes, long LiveBlocks, long HighestBytes, long? ResidentBytes);
