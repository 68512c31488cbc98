using AllocTrace.Stacks;

namespace AllocTrace.Storage;

/// <summary>One of the last calls before a crash.</summary>
/// <param name="Kind">Which call.</param>
/// <param name="Domain">The allocator domain.</param>
/// <param name="Bytes">0 for a free.</param>
/// <param name="Address">The block.</param>
/// <param name="Frame">The innermost frame; <see langword="null"/>: none, or a free.</param>
public sealed record LastAllocation(AllocationKind Kind, string Domain, long Bytes, ulong Address, StackFrame? Frame);
