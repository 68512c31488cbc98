namespace AllocTrace.Objects;

/// <summary>A type object of the image, with what its instances look like.</summary>
internal sealed class ObjectType
{
    /// <summary>Bits of <c>tp_flags</c>, the same in all versions (Include/object.h).</summary>
    public const uint InlineValues = 1 << 2, ManagedWeakReference = 1 << 3, ManagedDict = 1 << 4, Heap = 1 << 9, Ready = 1 << 12, Collected = 1 << 14,
        Int = 1 << 24, List = 1 << 25, Tuple = 1 << 26, Bytes = 1 << 27, Text = 1 << 28, Dict = 1 << 29, Exception = 1 << 30, Type = 1u << 31;

    /// <summary>The type's number: its place in the order in which types were found.</summary>
    public required int Number { get; init; }

    public required ulong Address { get; init; }

    /// <summary><c>tp_name</c>: with its module for a static type, without for a class.</summary>
    public required string Name { get; init; }

    public required uint Flags { get; init; }

    public required ObjectKind Kind { get; init; }

    /// <summary>The bytes before an instance in its block: the collector's header, and words for its dict and weak references.</summary>
    public required int HeaderBytes { get; init; }

    public required long BasicBytes { get; init; }

    public required long ItemBytes { get; init; }

    /// <summary>The offset of an instance's list of weak references, whose references are borrowed; 0 if it has none.</summary>
    public required long WeakListOffset { get; init; }

    /// <summary>The offset of an instance's dict; negative if counted from the end, 0 if it has none.</summary>
    public required long DictOffset { get; init; }

    /// <summary>The type that this one is an instance of; <see langword="null"/> for <c>type</c>, which is its own.</summary>
    public required ObjectType? Metatype { get; init; }

    public bool IsHeap => (Flags & Heap) != 0;

    public bool Is(uint flag) => (Flags & flag) != 0;
}
