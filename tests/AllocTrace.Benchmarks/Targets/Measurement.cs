namespace AllocTrace.Benchmarks.Targets;

/// <summary>One run of a program in a mode.</summary>
/// <param name="Target">The resources that the program itself used.</param>
/// <param name="Whole">
/// The resources of program and collector together, including the start of the collector and the writing of the database.
/// </param>
/// <param name="Events">The number of recorded allocations and frees.</param>
/// <param name="DatabaseBytes">The size of our database, or of another tool's file, in bytes.</param>
internal sealed record Measurement(Usage Target, Usage Whole, long Events, long DatabaseBytes);
