namespace AllocTrace.Wire;

/// <summary>The state of a thread slot.</summary>
internal enum ThreadSlotState : uint
{
    /// <summary>Stored by the collector once an ended thread is drained: the slot may be used again.</summary>
    Free = 0,

    Live = 1,

    /// <summary>The thread will write nothing more.</summary>
    Ended = 2,

    /// <summary>Being made; nothing was written yet.</summary>
    Reserved = 3,
}
