namespace AllocTrace.Storage;

/// <summary>One place that allocates, with one measure of it.</summary>
/// <param name="Process">An index in <see cref="TraceDatabase.Processes"/>.</param>
/// <param name="Thread">An index in <see cref="TraceDatabase.Threads"/>.</param>
/// <param name="Domain">An index in <see cref="TraceDatabase.Domains"/>.</param>
/// <param name="Stack">An index in the <see cref="StackTable"/>.</param>
/// <param name="Bytes">Bytes as requested by the program.</param>
/// <param name="Blocks">Allocations.</param>
/// <param name="Expression">The expression of the innermost line, packed as in the database; 0 if unknown.</param>
/// <param name="TypeRow">The type of the blocks, an index in <see cref="TraceDatabase.TypeRows"/>; 0 if unknown or not read.</param>
/// <param name="IsInherited">True if a forked process had the blocks from its parent.</param>
internal readonly record struct Site(int Process, int Thread, int Domain, int Stack, long Bytes, long Blocks, uint Expression = 0, bool IsInherited = false, int TypeRow = 0);
