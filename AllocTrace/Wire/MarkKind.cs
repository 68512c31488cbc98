namespace AllocTrace.Wire;

/// <summary>The kind of a <see cref="RecordKind.Mark"/>.</summary>
internal enum MarkKind : byte
{
    /// <summary>The interpreter began to finalize: blocks that are live here are "live".</summary>
    Finalizing = 1,

    /// <summary>Argument: the string that names the snapshot.</summary>
    Snapshot = 2,

    /// <summary>Argument: the fork's number.</summary>
    Fork = 3,

    /// <summary>The hooks were put in place; argument: how often that was done so far.</summary>
    Hooked = 4,

    /// <summary>An interpreter that had been finalized was initialized again.</summary>
    Initialized = 5,

    /// <summary>The process was copied. Argument: the copy's pid above <see cref="WireFormat.CopyPidShift"/>, below it the string that names the snapshot.</summary>
    Copy = 6,

    /// <summary>An account of resident memory was written; argument: the number of its first word.</summary>
    Memory = 7,

    /// <summary>CPython mapped an arena; argument: address and size (<see cref="WireFormat.MemoryPage"/>).</summary>
    Arena = 8,

    /// <summary>An arena will be released; argument: as for <see cref="Arena"/>.</summary>
    ArenaGone = 9,
}
