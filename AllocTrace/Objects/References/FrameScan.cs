namespace AllocTrace.Objects;

/// <summary>Finds what a frame refers to: its function, its locals, and the valid part of its stack.</summary>
internal sealed class FrameScan(PageReader memory, TypeReader types, PythonBuild build)
{
    /// <summary>The deepest evaluation stack with locals, in words.</summary>
    private const long MostWords = 1 << 16;

    /// <summary>From 3.14 on, the low bits of a reference in a frame. A reference with one of them set is borrowed, or an integer (pycore_stackref.h).</summary>
    private const ulong Tags = 3;

    private readonly ObjectLayout _layout = build.Layout;

    /// <summary>Reports the references of a frame within a block, of a generator or of a frame object (from 3.11 on).</summary>
    /// <param name="words">The block.</param>
    /// <param name="at">The offset of the frame in it.</param>
    /// <param name="address">The frame's address.</param>
    public void Frame(BlockWords words, long at, ulong address)
    {
        if (CodeOf(address) is var code && !IsCode(code))
            return;

        Refer(words, at + build.Frames.FrameCode);
        Refer(words, at + _layout["frame.function"]);
        words.Refer(at + _layout.FrameLocalsDict);
        words.Refer(at + _layout["frame.object"]);
        var first = at + _layout.FrameLocals;
        var count = Math.Min(ValidWords(address, LocalsOf(code)), (words.Bytes - first) / 8);
        for (var i = 0L; i < count; i++)
            Refer(words, first + (i * 8));
    }

    /// <summary>Reports what a frame object refers to.</summary>
    public void FrameObject(BlockWords words, int at, ulong address)
    {
        if (_layout.Minor <= 10)
        {
            OldFrameObject(words, at, address);
            return;
        }

        var link = at + _layout["frame_object.frame"];
        var inside = words.Word(link) - address;
        words.ReferAllBut(at + _layout.ObjectBytes, at + _layout["frame_object.data"], link);
        if (inside < (ulong)words.Bytes) // it has returned, and the frame moved here
            Frame(words, at + (long)inside, address + inside);
    }

    /// <summary>Returns the number of words from the first local on that are valid. While a frame runs, only its locals are.</summary>
    /// <param name="frame">The frame's address.</param>
    /// <param name="locals">The number of its locals.</param>
    public long ValidWords(ulong frame, long locals)
    {
        if (_layout.Minor >= 14)
        {
            var (top, first) = (memory.Word(frame, _layout.FrameTop), frame + (ulong)_layout.FrameLocals);
            return top >= first && top - first < MostWords * 8 ? (long)(top - first) / 8 : locals;
        }

        var words = memory.Int32(frame + (ulong)_layout.FrameTop);
        return words is >= 0 and < (int)MostWords ? words : locals;
    }

    /// <summary>Returns the address of a frame's code.</summary>
    public ulong CodeOf(ulong frame) => memory.Word(frame, build.Frames.FrameCode) & ~build.Frames.ExecutableTags;

    public bool IsCode(ulong address) => types.TypeOf(address)?.Kind == ObjectKind.Code;

    /// <summary>Returns the number of locals, cells and free variables of code (from 3.11 on).</summary>
    public long LocalsOf(ulong code) => Math.Clamp(memory.Int32(code + (ulong)_layout["code.all_locals"]), 0, MostWords);

    private void Refer(BlockWords words, long offset)
    {
        var word = words.Word(offset);
        if (_layout.Minor < 14 || (word & Tags) == 0)
            words.ReferTo(word);
    }

    private void OldFrameObject(BlockWords words, int at, ulong address)
    {
        var (stack, top) = (at + _layout["frame.stack"], at + _layout.FrameTop);
        var bottom = (long)(words.Word(stack) - address) + at;
        var end = _layout.Minor == 10
            ? bottom + (Math.Max(0, (int)words.Word(top)) * 8L)
            : words.Word(top) == 0 ? bottom : (long)(words.Word(top) - address) + at;
        words.ReferAll(at + _layout.SizeWord + 8, stack);
        words.Refer(at + _layout["frame.trace"]);
        words.ReferAll(at + _layout.FrameLocals, Math.Clamp(end, at, words.Bytes)); // before them lies a stack of blocks, stale above its top
    }
}
