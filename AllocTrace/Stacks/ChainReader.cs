using System.Numerics;

namespace AllocTrace.Stacks;

/// <summary>The frames of one thread state: the walk of src/python/frame.h, on another process's memory.</summary>
internal sealed class ChainReader(ProcessMemory memory, RemotePython python, CodeReader codes)
{
    private const int FrameBytes = 112;

    /// <summary>The most frames that are read of a stack: the innermost. A chain that forms a cycle ends when that is found.</summary>
    public const int DeepestStack = 1 << 18;

    private readonly PythonLayout _layout = python.Layout;
    private readonly byte[] _frame = new byte[FrameBytes];

    /// <summary>Reads a stack.</summary>
    /// <exception cref="TornReadException">The chain does not hold together.</exception>
    public PythonStack Read(ulong state)
    {
        var frames = new List<StackFrame>();
        var loops = new List<PythonLoop>();
        var insideOf = new Dictionary<ulong, int>(); // frames by address
        var visited = 0;
        var isCut = false;
        var kept = 0UL;
        for (var address = Innermost(state); address != 0; address = Word(_layout.FramePrevious))
        {
            // Brent's method: a chain that forms a cycle comes back to an address that is kept for as many steps as there were before.
            isCut = ++visited > DeepestStack || address == kept;
            if (isCut)
                break;

            if (BitOperations.IsPow2(visited))
                kept = address;

            if (address % sizeof(ulong) != 0)
                throw new TornReadException();

            try
            {
                memory.Read(address, _frame);
                insideOf.TryAdd(address, frames.Count);
                if (IsEntry)
                    loops.Add(new PythonLoop(address, frames.Count));
                else if (Describe() is { } frame)
                    frames.Add(frame);
            }
            catch (ReadBudgetException)
            {
                isCut = true; // the innermost are worth showing
                break;
            }
        }

        if (_layout.FirstOwnerWithoutCode == 0)
            loops = _layout.FrameIsIndirect ? LoopRecords(state, insideOf, frames.Count) : [.. frames.Select((_, number) => new PythonLoop(0, number + 1))];
        frames.Reverse();
        return new PythonStack(frames, isCut, loops);
    }

    /// <summary>
    /// 3.11: reads the records of the loops (<c>_PyCFrame</c>). When a loop begins, its first frame is called by the frame that the record
    /// before it names. The last record is the thread state's own.
    /// </summary>
    private List<PythonLoop> LoopRecords(ulong state, Dictionary<ulong, int> insideOf, int all)
    {
        var loops = new List<PythonLoop>();
        var record = memory.ReadWord(state + (ulong)_layout.StateFrame);
        while (record != 0 && loops.Count <= insideOf.Count && memory.ReadWord(record + (ulong)_layout.CframePrevious) is var caller and not 0)
        {
            loops.Add(new PythonLoop(record, insideOf.GetValueOrDefault(memory.ReadWord(caller + (ulong)_layout.CframeFrame), all)));
            record = caller;
        }

        return loops;
    }

    /// <summary>True for the frame by which C enters the interpreter.</summary>
    private bool IsEntry => _layout.FirstOwnerWithoutCode != 0 && _frame[_layout.FrameOwner] >= _layout.FirstOwnerWithoutCode;

    private ulong Innermost(ulong state)
    {
        var frame = memory.ReadWord(state + (ulong)_layout.StateFrame);
        return _layout.FrameIsIndirect && frame != 0 ? memory.ReadWord(frame + (ulong)_layout.CframeFrame) : frame;
    }

    /// <returns><see langword="null"/>: tracebacks leave it out.</returns>
    private StackFrame? Describe()
    {
        var owner = _frame[_layout.FrameOwner];
        var address = Word(_layout.FrameCode) & ~_layout.ExecutableTags;
        var code = codes.Get(address);
        var offset = _layout.PositionIsIndex ? (long)BitConverter.ToInt32(_frame, _layout.FramePosition) * _layout.PositionUnit : Offset(address, code);
        if (offset >= code.BytecodeBytes || offset < -2 * sizeof(ulong))
            throw new TornReadException();

        var isGenerators = _layout.GeneratorOwner != 0 && owner == _layout.GeneratorOwner;
        var hasBegun = _layout.PositionIsIndex || isGenerators || offset >= code.FirstTraceable;
        return hasBegun ? new StackFrame(code.Filename, code.Line(_layout.LineFormat, offset), code.Name) : null;
    }

    private long Offset(ulong address, RemoteCode code)
    {
        var position = Word(_layout.FramePosition);
        var offset = (long)(position - (address + (ulong)_layout.CodeBytecode));
        if (code.Copies != 0 && (offset < 0 || offset >= code.BytecodeBytes))
        {
            const int Entries = 8;
            var index = BitConverter.ToInt32(_frame, _layout.FrameBytecodeCopy);
            if (index > 0 && (ulong)index < memory.ReadWord(code.Copies))
                offset = (long)(position - memory.ReadWord(code.Copies + Entries + ((ulong)index * sizeof(ulong))));
        }

        return offset;
    }

    private ulong Word(int offset) => BitConverter.ToUInt64(_frame, offset);
}
