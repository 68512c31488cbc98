using AllocTrace.Objects;

namespace AllocTrace.Storage;

/// <summary>The type of blocks: objects of a Python type, or memory of such objects.</summary>
/// <param name="Type">The module and the qualified name of the object's type, or of the owner's; empty when there is none.</param>
/// <param name="Kind">
/// <c>object</c>, <c>buffer</c> (memory of an object), <c>free</c> (kept by CPython for reuse), <c>memory</c> (of C code), or empty if
/// unknown.
/// </param>
public readonly record struct BlockType(string Type, string Kind)
{
    private const string Builtins = "builtins.";

    /// <summary>The name of the type, without <c>builtins</c>.</summary>
    public string ShortType => Type.StartsWith(Builtins, StringComparison.Ordinal) ? Type[Builtins.Length..] : Type;

    /// <summary>True if the blocks are objects.</summary>
    internal bool IsObject => Kind == BlockKind.Object.Word();

    /// <summary>Names the blocks, as in <c>dict</c>, <c>dict buffers</c> or <c>memory of C code</c>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => StoredWords.BlockKind(Kind) switch
    {
        BlockKind.Object => ShortType,
        BlockKind.Buffer => $"{ShortType} buffers",
        BlockKind.Free => $"{ShortType} (free list)",
        BlockKind.Memory => "memory of C code",
        _ => "not known",
    };

    /// <summary>Objects of a type.</summary>
    internal static BlockType OfObjects(string type) => new(type, BlockKind.Object.Word());
}
