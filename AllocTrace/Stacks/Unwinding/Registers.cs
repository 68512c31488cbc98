namespace AllocTrace.Stacks;

/// <summary>The registers of a frame, by their numbers in DWARF (System V ABI for x86-64, "DWARF Register Number Mapping"); null is unknown.</summary>
internal static class Registers
{
    public const int Rbx = 3, FramePointer = 6, StackPointer = 7, R12 = 12, R15 = 15, ReturnAddress = 16, Count = 17;

    /// <summary>The place of each in <c>struct user_regs_struct</c>, in words.</summary>
    private static readonly int[] _places = [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16];

    /// <summary>Returns true for a register that a function does not change for its caller (System V ABI for x86-64, "Registers").</summary>
    public static bool IsKept(int register) => register is Rbx or FramePointer or (>= R12 and <= R15);

    /// <summary>All registers of a thread that is held.</summary>
    public static ulong?[] Of(ReadOnlySpan<ulong> userRegisters)
    {
        var registers = new ulong?[Count];
        for (var i = 0; i < Count; i++)
            registers[i] = userRegisters[_places[i]];

        return registers;
    }

    /// <summary>The registers that are known of a thread that waits.</summary>
    public static ulong?[] Of(ulong pc, ulong sp)
    {
        var registers = new ulong?[Count];
        (registers[ReturnAddress], registers[StackPointer]) = (pc, sp);
        return registers;
    }
}
