namespace AllocTrace.Stacks;

/// <summary>
/// Evaluates the expressions of unwind tables (DWARF 5, section 2.5): linkers describe PLTs by them, compilers functions that align their
/// stack, and glibc what the kernel stores before it calls a signal handler.
/// </summary>
internal ref struct FrameExpression
{
    private const int MostSteps = 1024, Room = 64;

    private readonly ReadOnlySpan<ulong?> _registers;
    private readonly StackCopy _memory;
    private readonly ReadOnlySpan<byte> _code;
    private readonly Span<ulong> _stack;
    private DwarfReader _reader;
    private int _depth;

    private FrameExpression(ReadOnlySpan<byte> code, ReadOnlySpan<ulong?> registers, StackCopy memory, Span<ulong> stack)
    {
        _code = code;
        _registers = registers;
        _memory = memory;
        _stack = stack;
        _reader = new DwarfReader(code, 0);
    }

    /// <param name="code">The expression.</param>
    /// <param name="registers">The registers of the frame.</param>
    /// <param name="memory">The stack.</param>
    /// <param name="cfa">The first value on the expression's own stack; null: none.</param>
    /// <exception cref="DamagedTableException">It is not understood, or reads something else than the stack.</exception>
    /// <exception cref="UnknownRegisterException">It needs a register that is not known.</exception>
    public static ulong Evaluate(ReadOnlySpan<byte> code, ReadOnlySpan<ulong?> registers, StackCopy memory, ulong? cfa)
    {
        var expression = new FrameExpression(code, registers, memory, new ulong[Room]);
        if (cfa is { } first)
            expression.Push(first);
        for (var steps = 0; !expression._reader.IsAtEnd; steps++)
        {
            if (steps == MostSteps)
                throw new DamagedTableException();

            expression.Step(expression._reader.Byte());
        }

        return expression.Pop();
    }

    private void Step(int operation)
    {
        switch (operation)
        {
            case 0x06: // deref
                Push(Word(Pop()));
                break;
            case >= 0x08 and <= 0x11:
                Push(Constant(operation));
                break;
            case >= 0x12 and <= 0x17:
                Rearrange(operation);
                break;
            case 0x1f or 0x20 or 0x23:
                Push(One(operation, Pop()));
                break;
            case >= 0x1a and <= 0x2e and not 0x28:
                var second = Pop();
                Push(Two(operation, Pop(), second));
                break;
            case 0x28 or 0x2f: // bra, skip
                Jump((short)_reader.Word16(), operation == 0x2f || Pop() != 0);
                break;
            case >= 0x30 and <= 0x4f: // lit0 and so on
                Push((ulong)operation - 0x30);
                break;
            case >= 0x70 and <= 0x8f: // breg0 and so on
                Push(Register((ulong)operation - 0x70) + (ulong)_reader.Signed());
                break;
            case 0x92: // bregx
                Push(Register(_reader.Unsigned()) + (ulong)_reader.Signed());
                break;
            case 0x96: // nop
                break;
            default:
                throw new DamagedTableException();
        }
    }

    private ulong Constant(int operation) => operation switch
    {
        0x08 => _reader.Byte(),
        0x09 => (ulong)(sbyte)_reader.Byte(),
        0x0a => _reader.Word16(),
        0x0b => (ulong)(short)_reader.Word16(),
        0x0c => _reader.Word32(),
        0x0d => (ulong)(int)_reader.Word32(),
        0x0e or 0x0f => _reader.Word64(),
        0x10 => _reader.Unsigned(),
        _ => (ulong)_reader.Signed(),
    };

    private void Rearrange(int operation)
    {
        switch (operation)
        {
            case 0x12: // dup
                Push(Peek(0));
                break;
            case 0x13: // drop
                Pop();
                break;
            case 0x14: // over
                Push(Peek(1));
                break;
            case 0x15: // pick
                Push(Peek(_reader.Byte()));
                break;
            case 0x16: // swap
                (Peek(0), Peek(1)) = (Peek(1), Peek(0));
                break;
            default: // rot
                (Peek(0), Peek(1), Peek(2)) = (Peek(1), Peek(2), Peek(0));
                break;
        }
    }

    private ulong One(int operation, ulong value) => operation switch
    {
        0x1f => 0 - value, // neg
        0x20 => ~value, // not
        _ => value + _reader.Unsigned(), // plus_uconst
    };

    private static ulong Two(int operation, ulong left, ulong right) => operation switch
    {
        0x1a => left & right,
        0x1b => right is 0 or ulong.MaxValue ? throw new DamagedTableException() : (ulong)((long)left / (long)right),
        0x1c => left - right,
        0x1d => right == 0 ? throw new DamagedTableException() : left % right,
        0x1e => left * right,
        0x21 => left | right,
        0x22 => left + right,
        0x24 => right > 63 ? 0 : left << (int)right,
        0x25 => right > 63 ? 0 : left >> (int)right,
        0x26 => (ulong)((long)left >> (int)Math.Min(right, 63)),
        0x27 => left ^ right,
        0x29 => left == right ? 1u : 0,
        0x2a => (long)left >= (long)right ? 1u : 0,
        0x2b => (long)left > (long)right ? 1u : 0,
        0x2c => (long)left <= (long)right ? 1u : 0,
        0x2d => (long)left < (long)right ? 1u : 0,
        0x2e => left != right ? 1u : 0,
        _ => throw new DamagedTableException(),
    };

    private void Jump(int distance, bool isTaken)
    {
        if (!isTaken)
            return;

        var to = _code.Length - _reader.Left + distance;
        _reader = to >= 0 && to <= _code.Length ? new DwarfReader(_code[to..], 0) : throw new DamagedTableException();
    }

    private readonly ulong Register(ulong number) => number >= (ulong)_registers.Length ? throw new DamagedTableException()
        : _registers[(int)number] ?? throw new UnknownRegisterException();

    private readonly ulong Word(ulong address) => _memory.TryRead(address, out var word) ? word : throw new DamagedTableException();

    private void Push(ulong value) => _stack[_depth < Room ? _depth++ : throw new DamagedTableException()] = value;

    private ulong Pop() => _depth > 0 ? _stack[--_depth] : throw new DamagedTableException();

    private readonly ref ulong Peek(int below)
    {
        if (below >= _depth)
            throw new DamagedTableException();

        return ref _stack[_depth - 1 - below];
    }
}
