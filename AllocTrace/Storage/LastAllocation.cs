using AllocTrace.Stacks;

namespace AllocTrace.Storage;

/// <summary>One of the last calls before a crash.</summary>
/// <param name="Kind"><c>malloc</c>, <c>calloc</c>, <c>realloc</c> or <c>free</c>.</param>
/// <param name="Domain">The allocator domain.</param>
/// <param name="Bytes">0 for <c>free</c>.</param>
/// <param name="Address">The block.</param>
/// <param name="Frame">The innermost frame; <see langword="null"/>: none, or a <c>free</c>.</param>
public sealed record LastAllocation(string Kind, string Domain, long Bytes, ulong Address, StackFrame? Frame);
