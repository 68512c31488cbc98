namespace AllocTrace.Wire;

/// <summary>The phase of the traced process.</summary>
internal enum SessionPhase : uint
{
    Recording = 1,

    /// <summary>The interpreter began to finalize.</summary>
    Finalizing = 2,

    /// <summary>The process ran its exit handlers.</summary>
    Ended = 3,

    /// <summary>The recording was stopped; the process continues.</summary>
    Stopped = 4,
}
