namespace AllocTrace.Stacks;

/// <summary>From a thread's innermost C frame to the outermost, by the rules of its code: the walk of src/unwind/step.h, on a copy of the stack.</summary>
internal static class CStackWalk
{
    /// <summary>A deeper stack is cut, as in recordings.</summary>
    private const int MostFrames = 8192;

    /// <exception cref="UnknownRegisterException">A register is needed that is not known: the thread must be held.</exception>
    public static CStack Walk(ProcessImages images, ThreadRegisters thread)
    {
        var frames = new List<CFrame>();
        var registers = thread.Known;
        var isCall = false; // a return address may be the first byte of the next function, after a call that does not return
        while (frames.Count < MostFrames)
        {
            var (pc, sp) = (registers[Registers.ReturnAddress]!.Value, registers[Registers.StackPointer]!.Value);
            var place = images.At(isCall ? pc - 1 : pc, pc);
            if (place.Row is { } outermost && outermost[Registers.ReturnAddress].Kind == RegisterRuleKind.Undefined)
            {
                frames.Add(new CFrame(place, pc, sp, sp));
                return new CStack(frames, null);
            }

            var caller = place.Row is { } row ? Caller(row, registers, thread.Stack, thread.IsHeld) : null;
            frames.Add(new CFrame(place, pc, sp, caller?[Registers.StackPointer] ?? sp));
            if (caller is null)
                return new CStack(frames, $"older C frames are not found: nothing says where {place.Frame.Function} returns to");
            if (caller[Registers.ReturnAddress] == 0)
                return new CStack(frames, null);

            (registers, isCall) = (caller, !place.IsSignal);
        }

        return new CStack(frames, $"older C frames are not shown: there are more than {MostFrames}");
    }

    /// <summary>The registers of the caller; <see langword="null"/> if they are not found on the stack.</summary>
    private static ulong?[]? Caller(FrameRow row, ulong?[] registers, StackCopy stack, bool areAllKnown)
    {
        try
        {
            var sp = registers[Registers.StackPointer]!.Value;
            var cfa = row.CfaCode is { } code ? FrameExpression.Evaluate(code, registers, stack, cfa: null)
                : unchecked(Known(registers, row.CfaRegister) + (ulong)row.CfaOffset);
            if (cfa <= sp || !stack.Reaches(cfa) || cfa % sizeof(ulong) != 0)
                return null;

            var caller = new ulong?[Registers.Count];
            for (var register = 0; register < caller.Length; register++)
                caller[register] = Value(row[register], register, registers, stack, cfa);

            if (row[Registers.StackPointer].Kind == RegisterRuleKind.Unspecified)
                caller[Registers.StackPointer] = cfa;
            return caller[Registers.ReturnAddress] is not null && caller[Registers.StackPointer] > sp ? caller : null;
        }
        catch (DamagedTableException)
        {
            return null;
        }
        catch (UnknownRegisterException) when (areAllKnown)
        {
            return null; // a callee changed it
        }
    }

    private static ulong? Value(RegisterRule rule, int register, ulong?[] registers, StackCopy stack, ulong cfa) => rule.Kind switch
    {
        RegisterRuleKind.Unspecified => Registers.IsKept(register) ? registers[register] : null,
        RegisterRuleKind.Same => registers[register],
        RegisterRuleKind.Offset => stack.TryRead(cfa + (ulong)rule.Value, out var word) ? word : null,
        RegisterRuleKind.ValueOffset => cfa + (ulong)rule.Value,
        RegisterRuleKind.Register => rule.Value is >= 0 and < Registers.Count ? registers[rule.Value] : null,
        RegisterRuleKind.Expression => stack.TryRead(FrameExpression.Evaluate(rule.Code, registers, stack, cfa), out var word) ? word : null,
        RegisterRuleKind.ValueExpression => FrameExpression.Evaluate(rule.Code, registers, stack, cfa),
        _ => null,
    };

    private static ulong Known(ulong?[] registers, ulong register) =>
        register >= Registers.Count ? throw new DamagedTableException() : registers[register] ?? throw new UnknownRegisterException();
}
