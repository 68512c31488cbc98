namespace AllocTrace;

/// <summary>Why something is missing from a recording.</summary>
public enum LossReason
{
    /// <summary>A newer version of AllocTrace wrote a reason that this one does not know.</summary>
    Unknown,

    /// <summary>There was no slab for further records.</summary>
    SlabsFull,

    /// <summary>There was no room for a stack: the allocation is recorded without one.</summary>
    StackNotKept,

    /// <summary>There were more threads than slots.</summary>
    NoThreadSlot,

    /// <summary>The session is damaged from a record on.</summary>
    SessionDamaged,

    /// <summary>An earlier collector wrote the beginning to another database.</summary>
    CollectedBefore,
}
