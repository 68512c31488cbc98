namespace AllocTrace.Storage;

/// <summary>A path from a root to objects of a site and a type, at a snapshot: a row of the table <c>holder</c>.</summary>
/// <param name="Snapshot">The <see cref="TraceSnapshot.Id"/> of the snapshot.</param>
/// <param name="Site">An index in <see cref="TraceDatabase.Sites"/>.</param>
/// <param name="Type">The module and the qualified name.</param>
/// <param name="Path">With keys and strings of the program.</param>
/// <param name="PrivatePath">Without them.</param>
/// <param name="Blocks">The number of objects that the path holds.</param>
/// <param name="Of">The number of objects of the site and the type.</param>
/// <param name="Bytes">The size of the objects that the path holds, in bytes.</param>
/// <param name="Retained">The bytes that would be freed with them; <see langword="null"/> when not known.</param>
internal sealed record TraceHolder(long Snapshot, int Site, string Type, string Path, string PrivatePath, long Blocks, long Of, long Bytes, long? Retained);

/// <summary>Objects that no root reaches, at a snapshot: a row of the table <c>garbage</c>.</summary>
/// <param name="Snapshot">The <see cref="TraceSnapshot.Id"/> of the snapshot.</param>
/// <param name="Site">An index in <see cref="TraceDatabase.Sites"/>.</param>
/// <param name="Type">The module and the qualified name.</param>
/// <param name="Blocks">The number of objects.</param>
/// <param name="Bytes">Their bytes.</param>
internal sealed record TraceGarbage(long Snapshot, int Site, string Type, long Blocks, long Bytes);
