namespace AllocTrace.Stacks;

/// <summary>Names the kinds of places of a register of the caller (DWARF 5, section 6.4.1).</summary>
internal enum RegisterRuleKind
{
    /// <summary>Nothing is said: by the System V ABI a function keeps some registers, and changes the others.</summary>
    Unspecified,

    /// <summary>It is lost. Of the return address: there is no caller.</summary>
    Undefined,

    /// <summary>In itself.</summary>
    Same,

    /// <summary>On the stack, at an offset from the CFA.</summary>
    Offset,

    /// <summary>It is the CFA and an offset.</summary>
    ValueOffset,

    /// <summary>In another register.</summary>
    Register,

    /// <summary>On the stack, where an expression says.</summary>
    Expression,

    /// <summary>It is the value of an expression.</summary>
    ValueExpression,
}

/// <summary>The place of a register of the caller.</summary>
/// <param name="Kind">The kind of place.</param>
/// <param name="Value">The offset in bytes, or the number of the other register.</param>
/// <param name="Code">The expression.</param>
internal readonly record struct RegisterRule(RegisterRuleKind Kind, long Value = 0, byte[]? Code = null);
