using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The blocks of one type in a group, or by how much they differ from those in another snapshot.</summary>
/// <param name="Type">What they are.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Count">Blocks.</param>
public readonly record struct TypeAmount(BlockType Type, long Size, long Count);
