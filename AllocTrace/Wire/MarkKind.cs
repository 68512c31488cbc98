namespace AllocTrace.Wire;

/// <summary>The kind of a <see cref="RecordKind.Mark"/>.</summary>
internal enum MarkKind : byte
{
    /// <summary>The interpreter began to finalize: what is alive here is "live".</summary>
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
}
