namespace AllocTrace.Objects;

/// <summary>The holders of a set of blocks.</summary>
/// <param name="Blocks">The number of blocks.</param>
/// <param name="Bytes">Their own bytes.</param>
/// <param name="Retained">The bytes that would be freed with them.</param>
/// <param name="GarbageBlocks">The number of blocks that nothing holds: they wait for the cyclic collector.</param>
/// <param name="GarbageBytes">The own bytes of those.</param>
/// <param name="Dominator">
/// The closest object through which every path to at least nine tenths of them goes; <see langword="null"/> if there is none.
/// </param>
/// <param name="Rows">The paths by which the others are held, most blocks first.</param>
internal sealed record Holders(long Blocks, long Bytes, long Retained, long GarbageBlocks, long GarbageBytes, Dominator? Dominator, IReadOnlyList<HolderRow> Rows);

/// <summary>A path by which blocks are held.</summary>
/// <param name="Parts">The path from a root, as <c>app.models</c>, <c>.CACHE</c>, <c>[*]</c>.</param>
/// <param name="Root">The root at which the path begins.</param>
/// <param name="Blocks">The number of blocks that the path holds.</param>
/// <param name="Bytes">Their own bytes.</param>
/// <param name="Retained">The bytes that would be freed with them.</param>
internal sealed record HolderRow(IReadOnlyList<string> Parts, RootKind Root, long Blocks, long Bytes, long Retained)
{
    public string Path => string.Concat(Parts);
}

/// <summary>An object through which every path to others goes.</summary>
/// <param name="Type">The name of its type.</param>
/// <param name="Parts">The path to it.</param>
/// <param name="Retained">The bytes that would be freed with it.</param>
internal sealed record Dominator(TypeName Type, IReadOnlyList<string> Parts, long Retained)
{
    public string Path => string.Concat(Parts);
}
