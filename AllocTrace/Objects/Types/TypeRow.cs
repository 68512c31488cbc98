namespace AllocTrace.Objects;

/// <summary>The blocks of one site that are of one kind and type.</summary>
/// <param name="Site">The caller's number of the site.</param>
/// <param name="Type">The type's place in <see cref="HeapAnalysis.Types"/>; -1 for <see cref="BlockKind.Memory"/>.</param>
/// <param name="Kind">The kind of the blocks.</param>
/// <param name="Blocks">The number of blocks.</param>
/// <param name="Bytes">Their own bytes.</param>
/// <param name="Retained">The bytes that would be freed with them: their own and those of everything that only they hold.</param>
internal readonly record struct TypeRow(int Site, int Type, BlockKind Kind, long Blocks, long Bytes, long Retained);
