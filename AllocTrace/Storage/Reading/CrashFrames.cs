using AllocTrace.Stacks;
using AllocTrace.Symbols;

namespace AllocTrace.Storage;

/// <summary>Makes one stack of the Python stack and the C stack of the thread that crashed.</summary>
internal static class CrashFrames
{
    /// <summary>The file of a C frame that is of none: code that was made at run time, or no code.</summary>
    private const string NoFile = "[no file]";

    private const string Loop = "_PyEval_EvalFrameDefault";

    /// <summary>Merges them.</summary>
    /// <param name="python">The Python frames, oldest first.</param>
    /// <param name="c">The C frames, innermost first.</param>
    /// <returns>All frames, oldest first; <see langword="null"/> if it was not recorded where they belong, or there are no C frames.</returns>
    public static IReadOnlyList<StackFrame>? Merge(IReadOnlyList<StackFrame> python, IReadOnlyList<CrashedCFrame> c) =>
        c.Count > 0 && c.All(frame => frame.PythonFrames is not null)
            ? MergedFrames.Of(python, c.Select(frame => (Describe(frame), (int)Math.Min(frame.PythonFrames!.Value, int.MaxValue))))
            : null;

    /// <summary>To CPython 3.10 a session does not have the loops: they are one function, and each Python frame has its own.</summary>
    public static CrashedCFrame[] Place(CrashedCFrame[] c, int pythonFrames, bool isCut)
    {
        var loops = 0;
        var placed = Array.ConvertAll(c, frame => IsLoop(frame) ? frame with { PythonFrames = ++loops } : frame);
        return loops == pythonFrames || (isCut && loops < pythonFrames) ? placed : c;
    }

    private static bool IsLoop(CrashedCFrame frame) => frame.Function == Loop || frame.Function.StartsWith($"{Loop}.", StringComparison.Ordinal);

    private static StackFrame Describe(CrashedCFrame frame) => frame.Path == ""
        ? new StackFrame(NoFile, 0, $"0x{frame.Offset:x}") { IsNative = true }
        : new StackFrame(frame.Path, 0, new FunctionName((ulong)frame.Offset, frame.Function == "" ? null : frame.Function).NameIn(frame.Path)) { IsNative = true };
}
