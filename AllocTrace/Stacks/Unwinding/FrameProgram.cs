namespace AllocTrace.Stacks;

/// <summary>Runs the program by which an unwind table says how a function's frame is left (DWARF 5, section 6.4.2).</summary>
internal sealed class FrameProgram
{
    private const int MostRemembered = 64;

    private readonly UnwindEntry _entry;
    private readonly ulong _wanted;
    private readonly Stack<FrameRow> _remembered = [];
    private FrameRow _row = new(), _initial = new();
    private ulong _location;

    private FrameProgram(UnwindEntry entry, ulong pc) => (_entry, _location, _wanted) = (entry, entry.Begin, pc);

    /// <summary>Finds the row of an instruction of the function.</summary>
    /// <exception cref="DamagedTableException">The program is not understood.</exception>
    public static FrameRow RowAt(UnwindEntry entry, ulong pc)
    {
        var program = new FrameProgram(entry, pc);
        if (program.Run(entry.CommonProgram))
        {
            program._initial = program._row.Copy();
            program.Run(entry.Program);
        }

        return program._row;
    }

    /// <summary>Runs a part. Returns false when the row is final.</summary>
    private bool Run(byte[] part)
    {
        var reader = new DwarfReader(part, 0);
        while (!reader.IsAtEnd)
        {
            var operation = reader.Byte();
            var operand = operation & 0x3f;
            var goesOn = (operation & 0xc0) switch // the upper two bits are the operation, the lower six its operand
            {
                0x40 => Advance((ulong)operand),
                0x80 => Set((ulong)operand, RegisterRuleKind.Offset, (long)reader.Unsigned() * _entry.DataUnit),
                0xc0 => Restore((ulong)operand),
                _ => Extended(operation, ref reader),
            };
            if (!goesOn)
                return false;
        }

        return true;
    }

    private bool Extended(int operation, ref DwarfReader reader) => operation switch
    {
        0x00 => true, // nop
        0x02 => Advance(reader.Byte()),
        0x03 => Advance(reader.Word16()),
        0x04 => Advance(reader.Word32()),
        0x05 => Set(reader.Unsigned(), RegisterRuleKind.Offset, (long)reader.Unsigned() * _entry.DataUnit),
        0x06 => Restore(reader.Unsigned()),
        0x07 => Set(reader.Unsigned(), RegisterRuleKind.Undefined, 0),
        0x08 => Set(reader.Unsigned(), RegisterRuleKind.Same, 0),
        0x09 => Set(reader.Unsigned(), RegisterRuleKind.Register, (long)reader.Unsigned()),
        0x0a => Remember(),
        0x0b => Recall(),
        >= 0x0c and <= 0x0f or 0x12 or 0x13 => Cfa(operation, ref reader),
        0x10 => Set(reader.Unsigned(), RegisterRuleKind.Expression, 0, reader.Take(reader.Unsigned())),
        0x11 => Set(reader.Unsigned(), RegisterRuleKind.Offset, reader.Signed() * _entry.DataUnit),
        0x14 => Set(reader.Unsigned(), RegisterRuleKind.ValueOffset, (long)reader.Unsigned() * _entry.DataUnit),
        0x15 => Set(reader.Unsigned(), RegisterRuleKind.ValueOffset, reader.Signed() * _entry.DataUnit),
        0x16 => Set(reader.Unsigned(), RegisterRuleKind.ValueExpression, 0, reader.Take(reader.Unsigned())),
        0x2e => reader.Unsigned() >= 0, // GNU: the size of arguments
        0x2f => Set(reader.Unsigned(), RegisterRuleKind.Offset, -(long)reader.Unsigned() * _entry.DataUnit), // GNU
        _ => throw new DamagedTableException(),
    };

    private bool Advance(ulong units)
    {
        var next = _location + (units * _entry.CodeUnit);
        if (next > _wanted)
            return false;

        _location = next;
        return true;
    }

    private bool Cfa(int operation, ref DwarfReader reader)
    {
        if (operation is 0x0c or 0x0d or 0x12) // def_cfa, def_cfa_register, def_cfa_sf
            _row.CfaRegister = reader.Unsigned();
        _row.CfaOffset = operation switch
        {
            0x0c or 0x0e => (long)reader.Unsigned(), // def_cfa, def_cfa_offset
            0x12 or 0x13 => reader.Signed() * _entry.DataUnit, // def_cfa_sf, def_cfa_offset_sf
            _ => _row.CfaOffset,
        };
        _row.CfaCode = operation == 0x0f ? reader.Take(reader.Unsigned()).ToArray() : null; // def_cfa_expression
        return true;
    }

    /// <summary>Sets the rule of a register; those of other numbers (vectors) do not matter.</summary>
    private bool Set(ulong register, RegisterRuleKind kind, long value, ReadOnlySpan<byte> code = default)
    {
        if (register < Registers.Count)
            _row[(int)register] = new RegisterRule(kind, value, kind is RegisterRuleKind.Expression or RegisterRuleKind.ValueExpression ? code.ToArray() : null);
        return true;
    }

    private bool Restore(ulong register)
    {
        if (register < Registers.Count)
            _row[(int)register] = _initial[(int)register];
        return true;
    }

    private bool Remember()
    {
        if (_remembered.Count == MostRemembered)
            throw new DamagedTableException();

        _remembered.Push(_row.Copy());
        return true;
    }

    private bool Recall() => _remembered.TryPop(out _row!) ? true : throw new DamagedTableException();
}
