namespace AllocTrace.Objects;

/// <summary>The role of a block in the program.</summary>
internal enum BlockKind : byte
{
    /// <summary>Memory of C code, which no object refers to. It has no type.</summary>
    Memory,

    /// <summary>An object. Its type is the object's.</summary>
    Object,

    /// <summary>Memory of an object: a list's items, a bytearray's data. Its type is the owner's.</summary>
    Buffer,

    /// <summary>An object without references, which CPython keeps to use it again for another one of its type.</summary>
    Free,
}
