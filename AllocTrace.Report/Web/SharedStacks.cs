using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>The stacks of one recording, or of two that are compared, as one trie: what has the same frames is the same stack.</summary>
internal sealed class SharedStacks
{
    private readonly List<int> _caller = [];
    private readonly List<int> _frame = [];
    private readonly Dictionary<Frame, int> _frames = [];

    /// <summary>The caller of each stack; it has a smaller number. Stack 0 has no frame.</summary>
    public IReadOnlyList<int> Caller => _caller;

    /// <summary>The frame of each stack; of stack 0 without meaning.</summary>
    public IReadOnlyList<int> FrameOfStack => _frame;

    /// <summary>The frames, in the order of their numbers.</summary>
    public IEnumerable<Frame> Frames => _frames.Keys;

    /// <summary>Adds a recording's stacks and returns the number of each.</summary>
    /// <param name="stacks">The stacks.</param>
    /// <param name="first">The recording that was added before, if there was one.</param>
    public int[] Add(StackTable stacks, StackTable? first = null)
    {
        var known = first is null ? null : new StackMatch(first).Of(stacks);
        var numbers = new int[stacks.Count];
        var frameOfCode = new Dictionary<(int Code, int Line), int>();
        if (first is null)
            Add(0, 0);

        for (var stack = 1; stack < numbers.Length; stack++)
        {
            if (known is not null && known[stack] > 0)
            {
                numbers[stack] = known[stack]; // the first recording's numbers were kept
                continue;
            }

            var key = (stacks.Code[stack], stacks.Line[stack]);
            if (!frameOfCode.TryGetValue(key, out var frame))
                frameOfCode[key] = frame = FrameNumber(stacks.FrameOf(stack));

            numbers[stack] = Add(numbers[stacks.Caller[stack]], frame);
        }

        return numbers;
    }

    private int FrameNumber(Frame frame)
    {
        if (!_frames.TryGetValue(frame, out var number))
            _frames[frame] = number = _frames.Count;

        return number;
    }

    private int Add(int caller, int frame)
    {
        _caller.Add(caller);
        _frame.Add(frame);
        return _caller.Count - 1;
    }
}
