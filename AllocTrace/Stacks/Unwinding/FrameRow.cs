namespace AllocTrace.Stacks;

/// <summary>
/// Describes how the frame of a function is left at one of its instructions: where the CFA (the stack pointer of the caller after the return)
/// and the caller's registers are.
/// </summary>
internal sealed class FrameRow
{
    private RegisterRule[] _rules = new RegisterRule[Registers.Count];

    /// <summary>CFA = register + offset, unless there is an expression.</summary>
    public ulong CfaRegister { get; set; } = Registers.StackPointer;

    public long CfaOffset { get; set; }

    public byte[]? CfaCode { get; set; }

    public RegisterRule this[int register]
    {
        get => _rules[register];
        set => _rules[register] = value;
    }

    public FrameRow Copy() => new() { CfaRegister = CfaRegister, CfaOffset = CfaOffset, CfaCode = CfaCode, _rules = [.. _rules] };

    /// <summary>Describes a frame at a fixed distance, with the return address at its end.</summary>
    /// <param name="register">The register that the distance is from.</param>
    /// <param name="offset">The distance of the CFA, bytes.</param>
    /// <param name="savesFramePointer">True if the caller's frame pointer is before the return address.</param>
    public static FrameRow Simple(int register, long offset, bool savesFramePointer)
    {
        var row = new FrameRow { CfaRegister = (ulong)register, CfaOffset = offset };
        row[Registers.ReturnAddress] = new RegisterRule(RegisterRuleKind.Offset, -8);
        if (savesFramePointer)
            row[Registers.FramePointer] = new RegisterRule(RegisterRuleKind.Offset, -16);
        return row;
    }
}
