namespace AllocTrace;

/// <summary>The way in which the recording of a process ended.</summary>
public enum ProcessEnding
{
    /// <summary>A newer version of AllocTrace wrote an ending that this one does not know.</summary>
    Unknown,

    /// <summary>It ran its exit handlers.</summary>
    Exited,

    /// <summary>It ran them after its interpreter had begun to finalize.</summary>
    Finalized,

    /// <summary>It ended without running exit handlers: by a signal, or by <c>_exit</c>.</summary>
    Killed,

    /// <summary>It went on as another program (exec).</summary>
    Replaced,

    /// <summary>The recording was stopped; the process went on.</summary>
    Stopped,

    /// <summary>It was still running.</summary>
    Running,
}
