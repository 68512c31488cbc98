namespace AllocTrace;

/// <summary>The reason for which events or stacks are missing from a recording.</summary>
public enum LossReason
{
    /// <summary>A newer version of AllocTrace wrote a reason that this one does not know.</summary>
    Unknown,

    /// <summary>The session had no free slab for further records.</summary>
    SlabsFull,

    /// <summary>The session had no room for a stack: the allocation is recorded without one.</summary>
    StackNotKept,

    /// <summary>The process had more threads than the session has slots.</summary>
    NoThreadSlot,

    /// <summary>The session is damaged, and nothing after the damaged record can be read.</summary>
    SessionDamaged,

    /// <summary>An earlier collector wrote the beginning of the recording to another database.</summary>
    CollectedBefore,
}
