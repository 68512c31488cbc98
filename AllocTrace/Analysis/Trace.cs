using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The allocations of one site: of one thread in one domain by one traceback.</summary>
/// <param name="Process">The process.</param>
/// <param name="Thread">The thread.</param>
/// <param name="Domain">The domain's name.</param>
/// <param name="Size">The size of the blocks together, in bytes as requested by the program.</param>
/// <param name="Count">The number of blocks.</param>
/// <param name="Traceback">The stack of the allocations.</param>
public sealed record Trace(TraceProcess Process, TraceThread Thread, string Domain, long Size, long Count, Traceback Traceback);
