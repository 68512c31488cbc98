namespace AllocTrace;

/// <summary>The way in which the recording of a process ended.</summary>
public enum ProcessEnding
{
    /// <summary>A newer version of AllocTrace wrote an ending that this one does not know.</summary>
    Unknown,

    /// <summary>The process ran its exit handlers.</summary>
    Exited,

    /// <summary>The process ran its exit handlers after its interpreter had begun to finalize.</summary>
    Finalized,

    /// <summary>The process ended without running exit handlers: by a signal, or by <c>_exit</c>.</summary>
    Killed,

    /// <summary>The process executed another program (<c>exec</c>).</summary>
    Replaced,

    /// <summary>The recording was stopped, and the process continued.</summary>
    Stopped,

    /// <summary>The process was still running when it was collected.</summary>
    Running,
}
