using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The allocations of one thread in one domain by one traceback.</summary>
/// <param name="Process">The process.</param>
/// <param name="Thread">The thread.</param>
/// <param name="Domain">The domain's name.</param>
/// <param name="Size">Bytes as requested by the program.</param>
/// <param name="Count">Blocks.</param>
/// <param name="Traceback">How the program got there.</param>
public sealed record Trace(TraceProcess Process, TraceThread Thread, string Domain, long Size, long Count, Traceback Traceback);
