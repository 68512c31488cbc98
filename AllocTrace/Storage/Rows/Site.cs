namespace AllocTrace.Storage;

/// <summary>One place that allocates, with one measure of it.</summary>
/// <param name="Process">An index in <see cref="TraceDatabase.Processes"/>.</param>
/// <param name="Thread">An index in <see cref="TraceDatabase.Threads"/>.</param>
/// <param name="Domain">An index in <see cref="TraceDatabase.Domains"/>.</param>
/// <param name="Stack">An index in the <see cref="StackTable"/>.</param>
/// <param name="Bytes">Bytes as requested by the program.</param>
/// <param name="Blocks">Allocations.</param>
/// <param name="Expression">Which one of the innermost line, packed as in the database; 0: unknown.</param>
/// <param name="IsInherited">Whether the blocks are those that a forked process had from its parent.</param>
internal readonly record struct Site(int Process, int Thread, int Domain, int Stack, long Bytes, long Blocks, uint Expression = 0, bool IsInherited = false);
