namespace AllocTrace.Stacks;

/// <summary>A function in an unwind table.</summary>
internal sealed class UnwindEntry
{
    /// <summary>The first address of the function.</summary>
    public required ulong Begin { get; init; }

    /// <summary>The first address behind it.</summary>
    public required ulong End { get; init; }

    /// <summary>The part of its program that many functions share.</summary>
    public required byte[] CommonProgram { get; init; }

    /// <summary>Its own part.</summary>
    public required byte[] Program { get; init; }

    /// <summary>The factors of advances, in bytes of code, and of offsets, in bytes of the stack.</summary>
    public required ulong CodeUnit { get; init; }

    public required long DataUnit { get; init; }

    /// <summary>True if the kernel calls the function, with the registers of what it interrupted on the stack.</summary>
    public required bool IsSignal { get; init; }
}
