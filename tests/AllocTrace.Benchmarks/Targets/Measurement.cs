namespace AllocTrace.Benchmarks.Targets;

/// <summary>One run of a program in a mode.</summary>
/// <param name="Target">The resources that the program itself used.</param>
/// <param name="Whole">With the collector, which is one process with <c>run</c>; its start and the writing of the database included.</param>
/// <param name="Events">Allocations and frees that were recorded.</param>
/// <param name="DatabaseBytes">The size of our database, or of another tool's file, in bytes.</param>
internal sealed record Measurement(Usage Target, Usage Whole, long Events, long DatabaseBytes);
