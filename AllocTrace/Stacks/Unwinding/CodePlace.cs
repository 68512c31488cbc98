namespace AllocTrace.Stacks;

/// <summary>An instruction of a process.</summary>
internal sealed class CodePlace
{
    /// <summary>Its function, as reports show it.</summary>
    public required StackFrame Frame { get; init; }

    /// <summary>The first address of its function, as the unwind table has it; 0 if it has none.</summary>
    public ulong Begin { get; init; }

    /// <summary>True if the kernel calls the function: its caller was interrupted, and did not call.</summary>
    public bool IsSignal { get; init; }

    /// <summary>The rules by which the function is left there; <see langword="null"/> if nothing says it.</summary>
    public FrameRow? Row { get; init; }
}
