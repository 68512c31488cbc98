namespace AllocTrace.Wire;

/// <summary>True if allocations are recorded with their stacks.</summary>
internal enum StacksState : uint
{
    /// <summary>No Python frame was seen yet.</summary>
    Undecided = 0,

    On = 1,

    /// <summary><see cref="RuntimeEntry.StacksReason"/> says why.</summary>
    Off = 2,
}
