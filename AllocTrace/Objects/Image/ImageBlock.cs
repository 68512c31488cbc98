namespace AllocTrace.Objects;

/// <summary>A block that was live at the moment of an image.</summary>
/// <param name="Address">The address of the block.</param>
/// <param name="Bytes">The bytes that were asked for.</param>
/// <param name="Domain">The domain as records have it, below 16: 0 raw, 1 mem, 2 obj, other numbers an extension's.</param>
/// <param name="Site">A number of the caller's, below 2^28, by which blocks are summed.</param>
internal readonly record struct ImageBlock(ulong Address, long Bytes, byte Domain, int Site)
{
    /// <summary>The domain in which CPython allocates objects.</summary>
    public const byte ObjectDomain = 2;
}
