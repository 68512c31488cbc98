using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The blocks of one type in a group, or their difference from those in an older snapshot.</summary>
/// <param name="Type">The type of the blocks.</param>
/// <param name="Size">The size of the blocks together, or the difference, in bytes.</param>
/// <param name="Count">The number of blocks, or the difference.</param>
public readonly record struct TypeAmount(BlockType Type, long Size, long Count);
