using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary>
/// The stacks that rows of a CSV file refer to by number, each once: its newest frame, and the number of the stack that called it. Numbers are those of
/// one export, in the order in which they are asked for; a caller has a smaller one. 0 is no Python frame.
/// </summary>
/// <param name="stacks">The stacks of the recording.</param>
internal sealed class CsvStacks(StackTable stacks)
{
    private readonly int[] _numbers = new int[stacks.Count];
    private readonly List<int> _stacks = [0];

    /// <summary>The number of a stack.</summary>
    public int NumberOf(int stack)
    {
        var unknown = new Stack<int>();
        for (var each = stack; each != 0 && _numbers[each] == 0; each = stacks.Caller[each])
            unknown.Push(each);

        foreach (var each in unknown)
        {
            _numbers[each] = _stacks.Count;
            _stacks.Add(each);
        }

        return _numbers[stack];
    }

    /// <summary>The newest frame of a stack; <see langword="null"/> when it has none.</summary>
    public Frame? FrameOf(int stack) => stack == 0 ? null : stacks.FrameOf(stack);

    /// <summary>Writes the stacks that were asked for, and their callers.</summary>
    public void Write(CsvText csv)
    {
        csv.Header("stack", "caller", "filename", "lineno", "function");
        foreach (var stack in _stacks.Skip(1))
        {
            var frame = stacks.FrameOf(stack);
            csv.Row(_numbers[stack], _numbers[stacks.Caller[stack]], frame.Filename, frame.LineNumber, frame.Function);
        }
    }
}
