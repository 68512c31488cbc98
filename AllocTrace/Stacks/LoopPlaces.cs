namespace AllocTrace.Stacks;

/// <summary>Finds the interpreter's loops among the C frames of a thread: the rules of src/capture/c_stacks/loops.h.</summary>
internal static class LoopPlaces
{
    /// <summary>Returns for each C frame, innermost first, how many Python frames are inside of it; 0 if it is no loop.</summary>
    /// <param name="c">The C stack.</param>
    /// <param name="python">The Python stack.</param>
    /// <param name="loop">The address of the function that is the loop.</param>
    /// <param name="areAllPlaced">False: frames are missing between Python frames, because loops were not found.</param>
    public static int[] Find(CStack c, PythonStack python, ulong loop, out bool areAllPlaced)
    {
        var hasLocals = python.Loops.All(each => each.Local != 0);
        var inside = hasLocals ? ByLocals(c.Frames, python.Loops) : ByFunction(c, python.Loops, loop);
        areAllPlaced = c.Problem is not null || python.IsCut || inside.DefaultIfEmpty().Max() >= python.Frames.Count;
        return inside;
    }

    /// <summary>A frame that contains the variable of a loop is the loop's, whatever the compiler made of the function.</summary>
    private static int[] ByLocals(IReadOnlyList<CFrame> frames, IReadOnlyList<PythonLoop> loops)
    {
        var inside = new int[frames.Count];
        var byAddress = loops.OrderBy(each => each.Local).ToArray();
        var next = 0;
        for (var i = 0; i < inside.Length; i++) // their addresses ascend
        {
            while (next < byAddress.Length && byAddress[next].Local < frames[i].Begin)
                next++;
            for (; next < byAddress.Length && byAddress[next].Local < frames[i].End; next++)
                inside[i] = Math.Max(inside[i], byAddress[next].Inside);
        }

        return inside;
    }

    /// <summary>To 3.10, the frames of one function: the first is the innermost Python frame's, and so on.</summary>
    private static int[] ByFunction(CStack c, IReadOnlyList<PythonLoop> loops, ulong loop)
    {
        const string parts = "_PyEval_EvalFrameDefault."; // what compilers move out of it has its name and .cold, or another number
        var inside = new int[c.Frames.Count];
        var found = Enumerable.Range(0, inside.Length)
            .Where(i => c.Frames[i].Place is var place && ((place.Begin != 0 && place.Begin == loop) || place.Frame.Function.StartsWith(parts, StringComparison.Ordinal))).ToList();
        const int near = 1; // a loop that is just beginning or ending has no Python frame, and calls at most one function
        if (found.Count == loops.Count + 1 && found[0] <= near)
            found.RemoveAt(0);
        if (found.Count != loops.Count && c.Problem is null)
            return inside;

        foreach (var (number, i) in found.Index())
            inside[i] = number < loops.Count ? loops[number].Inside : 0;
        return inside;
    }
}
