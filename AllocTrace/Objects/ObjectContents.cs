namespace AllocTrace.Objects;

/// <summary>The live blocks of a site that are objects of one type, or buffers of such objects.</summary>
/// <param name="Site">The replay's number of the site.</param>
/// <param name="Type">The module and the qualified name, as <c>app.models.Row</c>; empty when it is not known.</param>
/// <param name="Kind">The kind of the blocks: <c>object</c>, or the role of a buffer for its owner; empty if unknown.</param>
/// <param name="Blocks">The number of blocks.</param>
/// <param name="Bytes">The size of the blocks, in bytes as requested.</param>
/// <param name="Retained">The bytes that would be freed with them; <see langword="null"/> if unknown.</param>
internal readonly record struct ObjectRow(int Site, string Type, string Kind, long Blocks, long Bytes, long? Retained);

/// <summary>A path from a root to blocks of a site and a type.</summary>
/// <param name="Site">The replay's number of the site.</param>
/// <param name="Type">The module and the qualified name.</param>
/// <param name="Path">The path, for example <c>app.models.CACHE[*]</c>, with keys and strings of the program if these say more.</param>
/// <param name="PrivatePath">The path without keys and strings of the program.</param>
/// <param name="Blocks">The number of blocks that the path holds.</param>
/// <param name="Of">The number of blocks of the site and the type.</param>
/// <param name="Bytes">The size of the blocks that the path holds, in bytes as requested.</param>
/// <param name="Retained">The bytes that the blocks and all that only they hold take.</param>
internal readonly record struct HeldRow(int Site, string Type, string Path, string PrivatePath, long Blocks, long Of, long Bytes, long? Retained);

/// <summary>Blocks that no root reaches, by site and type.</summary>
internal readonly record struct GarbageRow(int Site, string Type, long Blocks, long Bytes);

/// <summary>The types and holders of the live blocks of a snapshot.</summary>
internal sealed record ObjectContents : IDisposable
{
    /// <summary>The way in which the memory was read; if it was not, <see cref="Note"/> has the reason.</summary>
    public required ReadingMethod Method { get; init; }

    /// <summary>The time for which the program was held up, in nanoseconds.</summary>
    public required long PauseNs { get; init; }

    /// <summary>A note for readers of the figures, in one line; empty if there is none.</summary>
    public string Note { get; init; } = "";

    public IReadOnlyList<ObjectRow> Rows { get; init; } = [];

    public IReadOnlyList<HeldRow> Holders { get; init; } = [];

    public IReadOnlyList<GarbageRow> Garbage { get; init; } = [];

    /// <summary>The bytes that would be freed with all blocks of a site, by site; empty when not known.</summary>
    public IReadOnlyDictionary<int, long> RetainedBySite { get; init; } = new Dictionary<int, long>();

    /// <summary>All objects and references as a <c>.heapsnapshot</c> file, compressed by gzip; <see langword="null"/>: too many. Owned.</summary>
    public StoredGraph? Graph { get; init; }

    public void Dispose() => Graph?.Dispose();
}
