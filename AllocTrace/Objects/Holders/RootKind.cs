namespace AllocTrace.Objects;

/// <summary>
/// The reasons for which a block is held, from the one that says most to the one that says least. A path begins at the best kind that
/// reaches its end.
/// </summary>
internal enum RootKind : byte
{
    /// <summary>The modules: <c>sys.modules</c>.</summary>
    Module,

    /// <summary>A local variable of a frame that runs.</summary>
    Local,

    /// <summary>The function, or the evaluation stack, of a frame that runs.</summary>
    Frame,

    /// <summary>The dict of a thread, with its threading.local objects.</summary>
    Thread,

    /// <summary>Static data of the interpreter or an extension module.</summary>
    Static,

    /// <summary>C code: more references than all blocks explain.</summary>
    Native,

    /// <summary>C memory that no object refers to.</summary>
    Memory,

    None = byte.MaxValue,
}
