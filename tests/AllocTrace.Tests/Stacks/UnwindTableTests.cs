using AllocTrace.Stacks;

namespace AllocTrace.Tests.Stacks;

/// <summary>Tests that what another process has in place of unwind tables is read to an end, and only refused in one way.</summary>
[TestClass]
public sealed class UnwindTableTests
{
    private const int Rounds = 20_000, LongestProgram = 40;

    private static readonly ulong?[] _registers = [.. Enumerable.Range(0, Registers.Count).Select(number => number % 3 == 0 ? null : (ulong?)(ulong)(4096 + (8 * number)))];

    [TestMethod]
    public void Any_program_of_a_frame_ends()
    {
        var random = new Random(1);
        var understood = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var entry = new UnwindEntry { Begin = 100, End = 200, CommonProgram = Bytes(random), Program = Bytes(random), CodeUnit = 1, DataUnit = -8, IsSignal = false };
            understood += Try(() => FrameProgram.RowAt(entry, 150));
        }

        Assert.IsGreaterThan(Rounds / 100, understood);
    }

    [TestMethod]
    public void Any_expression_ends()
    {
        var random = new Random(2);
        var stack = new StackCopy(4096, new byte[512], isPart: false);
        var understood = 0;
        for (var round = 0; round < Rounds; round++)
            understood += Try(() => FrameExpression.Evaluate(Bytes(random), _registers, stack, cfa: 4104));

        Assert.IsGreaterThan(Rounds / 100, understood);
        byte[] endless = [0x2f, 0xfd, 0xff]; // skip -3
        Assert.ThrowsExactly<DamagedTableException>(() => FrameExpression.Evaluate(endless, _registers, stack, cfa: null));
    }

    /// <summary>Evaluates what linkers write for the entries of a PLT: rsp + 8, and 8 more from the 11th of 16 bytes on.</summary>
    [TestMethod]
    [DataRow(0x1005, 8)]
    [DataRow(0x100b, 16)]
    public void Expression_of_a_PLT(int pc, int distance)
    {
        byte[] expression = [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
        var registers = Registers.Of((ulong)pc, 4096);
        Assert.AreEqual(4096UL + (ulong)distance, FrameExpression.Evaluate(expression, registers, new StackCopy(4096, new byte[64], isPart: false), cfa: null));
    }

    [TestMethod]
    public void Copy_of_a_stack_says_when_it_is_too_short()
    {
        var part = new StackCopy(4096, new byte[64], isPart: true);
        Assert.IsTrue(part.TryRead(4096 + 56, out _) && part.Reaches(4096 + 64));
        Assert.IsFalse(part.TryRead(4095, out _) || part.TryRead(4097, out _) || part.TryRead(0, out _));
        Assert.IsFalse(part.WasTooShort);
        Assert.IsFalse(part.TryRead(4096 + 64, out _));
        Assert.IsTrue(part.WasTooShort);
        var whole = new StackCopy(4096, new byte[64], isPart: false);
        Assert.IsFalse(whole.TryRead(4096 + 64, out _) || whole.WasTooShort);
    }

    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[random.Next(LongestProgram)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static int Try(Action action)
    {
        try
        {
            action();
            return 1;
        }
        catch (Exception e) when (e is DamagedTableException or UnknownRegisterException)
        {
            return 0;
        }
    }
}
