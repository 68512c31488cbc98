namespace AllocTrace.Objects;

/// <summary>A reference that has no name yet. To make one takes memory, and most references are never named.</summary>
/// <param name="Target">The address that it goes to.</param>
/// <param name="Kind">The kind of its name.</param>
/// <param name="Text">The name, if it is known without reading memory.</param>
/// <param name="Value">Otherwise the source of the name: the address of a key, or the number of an item.</param>
internal readonly record struct ReferencePlace(ulong Target, ReferenceKind Kind, string? Text, ulong Value = 0)
{
    public static ReferencePlace Attribute(ulong target, string name) => new(target, ReferenceKind.Attribute, name);

    public static ReferencePlace Local(ulong target, string name) => new(target, ReferenceKind.Local, name);

    public static ReferencePlace Item(ulong target, long index) => new(target, ReferenceKind.Index, null, (ulong)index);
}
