namespace AllocTrace.Storage;

/// <summary>A slice of the time of one process: a row of the table <c>slice</c>.</summary>
/// <param name="Id">Its number in the database.</param>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of its process.</param>
/// <param name="StartNs">When it began, nanoseconds since the process's recording began.</param>
/// <param name="EndNs">When it ended, on the same clock.</param>
/// <param name="LiveBytes">Alive at its end, bytes as requested by the program.</param>
/// <param name="LiveBlocks">Alive at its end, blocks.</param>
/// <param name="HighestBytes">Alive at its highest.</param>
/// <param name="ResidentBytes">Of the whole process in memory, as the system says; <see langword="null"/> when it was not looked at.</param>
public sealed record TraceSlice(
    long Id, long Process, long StartNs, long EndNs, long LiveBytes, long LiveBlocks, long HighestBytes, long? ResidentBytes);
