using AllocTrace.Stacks;

namespace AllocTrace.Storage;

/// <summary>One of the last recorded calls of an allocator before a crash.</summary>
/// <param name="Kind">The kind of the call.</param>
/// <param name="Domain">The allocator domain.</param>
/// <param name="Bytes">The size of the block in bytes, as requested; 0 for a free.</param>
/// <param name="Address">The address of the block.</param>
/// <param name="Frame">The innermost Python frame; <see langword="null"/> for a free, or if there was none.</param>
public sealed record LastAllocation(AllocationKind Kind, string Domain, long Bytes, ulong Address, StackFrame? Frame);
