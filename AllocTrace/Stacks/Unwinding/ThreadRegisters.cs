namespace AllocTrace.Stacks;

/// <summary>What a thread's C stack is found by, taken while it stood still.</summary>
/// <param name="Known">Its registers; <see langword="null"/> for those that are not known.</param>
/// <param name="Stack">Its stack.</param>
internal sealed record ThreadRegisters(ulong?[] Known, StackCopy Stack)
{
    /// <summary>True if the thread was held: all registers were known.</summary>
    public bool IsHeld { get; } = Known.All(register => register is not null);
}
