namespace AllocTrace.Stacks;

/// <summary>The registers and the stack of a thread, taken while it stood still: its C stack is found by them.</summary>
/// <param name="Known">Its registers; <see langword="null"/> for those that are not known.</param>
/// <param name="Stack">Its stack.</param>
internal sealed record ThreadRegisters(ulong?[] Known, StackCopy Stack)
{
    /// <summary>True if the thread was held: all registers were known.</summary>
    public bool IsHeld { get; } = Known.All(register => register is not null);
}
