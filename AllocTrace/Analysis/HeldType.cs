using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The objects of one type, and who holds them.</summary>
/// <param name="Type">The type.</param>
/// <param name="Count">The number of objects.</param>
/// <param name="Size">Their own bytes.</param>
/// <param name="Retained">The bytes that would be freed with them; <see langword="null"/> when not known.</param>
/// <param name="Holders">The paths from roots, those that hold most first.</param>
internal sealed record HeldType(BlockType Type, long Count, long Size, long? Retained, IReadOnlyList<HeldBy> Holders);

/// <summary>A path from a root to objects.</summary>
/// <param name="Path">The path, for example <c>app.models.CACHE[*]</c>.</param>
/// <param name="Count">The number of objects that the path holds.</param>
/// <param name="Size">Their own bytes.</param>
/// <param name="Retained">The bytes that would be freed with them; <see langword="null"/> when not known.</param>
internal sealed record HeldBy(string Path, long Count, long Size, long? Retained);

/// <summary>Objects of one type at one line that wait for the cyclic garbage collector.</summary>
/// <param name="Type">The type.</param>
/// <param name="Statistic">The bytes and blocks, and the place that allocated them.</param>
internal sealed record GarbageOfLine(BlockType Type, Statistic Statistic);
