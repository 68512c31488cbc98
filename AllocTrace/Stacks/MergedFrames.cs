namespace AllocTrace.Stacks;

/// <summary>
/// Makes one stack of a Python stack and a C stack: where the interpreter's loop is among the C frames, the Python frames that it runs are
/// inserted (docs/c-stacks.md).
/// </summary>
internal static class MergedFrames
{
    /// <param name="python">The Python frames, oldest first.</param>
    /// <param name="c">
    /// The C frames, innermost first. Inside: for a loop of the interpreter, the number of Python frames that it runs, with all inside of
    /// them; otherwise 0.
    /// </param>
    /// <returns>All frames, oldest first.</returns>
    public static List<StackFrame> Of(IReadOnlyList<StackFrame> python, IEnumerable<(StackFrame Frame, int Inside)> c)
    {
        var merged = new List<StackFrame>();
        var shown = 0;
        foreach (var (frame, inside) in c)
        {
            AddPython(inside);
            merged.Add(frame);
        }

        AddPython(python.Count);
        merged.Reverse();
        return merged;

        void AddPython(int count)
        {
            for (; shown < count && shown < python.Count; shown++)
                merged.Add(python[python.Count - 1 - shown]);
        }
    }
}
