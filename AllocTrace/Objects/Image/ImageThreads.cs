namespace AllocTrace.Objects;

/// <summary>Finds the interpreters, threads and frames of an image. Every list is bounded, also in damaged memory.</summary>
internal sealed class ImageThreads(PageReader memory, FrameScan frames, PythonBuild build)
{
    private const int MostInterpreters = 1 << 10, MostThreads = 1 << 16;

    /// <summary>The number of frames that may still be read, of all threads.</summary>
    private int _left = 1 << 20;

    /// <summary>Returns the addresses of the interpreters' states, the main one last.</summary>
    public IReadOnlyList<ulong> Interpreters() => Chain(memory.Word(build.Runtime, build.Frames.RuntimeInterpreters), build.Frames.InterpreterNext, MostInterpreters);

    /// <summary>Returns the addresses of the states of an interpreter's threads, the oldest first.</summary>
    public IReadOnlyList<ulong> Threads(ulong interpreter)
    {
        var threads = Chain(memory.Word(interpreter, build.Frames.InterpreterThreads), build.Frames.StateNext, MostThreads);
        threads.Reverse();
        return threads;
    }

    /// <summary>Returns the frames of a thread, innermost first.</summary>
    /// <param name="state">The address of the thread's state.</param>
    /// <param name="thread">The number that the frames get.</param>
    public IEnumerable<ImageFrame> Frames(ulong state, int thread)
    {
        var innermost = memory.Word(state, build.Frames.StateFrame);
        if (build.Frames.FrameIsIndirect)
            innermost = memory.Word(innermost, build.Frames.CframeFrame);

        foreach (var frame in Chain(innermost, build.Frames.FramePrevious, _left))
        {
            _left--;
            var owner = build.Frames.FirstOwnerWithoutCode == 0 ? 0 : memory.Int32(frame + (ulong)build.Frames.FrameOwner) & 0xff;
            if (owner != 0 && owner >= build.Frames.FirstOwnerWithoutCode)
                continue;

            if (frames.CodeOf(frame) is var code && frames.IsCode(code))
                yield return new ImageFrame(thread, frame, code);
        }
    }

    private List<ulong> Chain(ulong first, int next, int most)
    {
        var (chain, seen) = (new List<ulong>(), new HashSet<ulong>());
        for (var address = first; address != 0 && chain.Count < most && seen.Add(address); address = memory.Word(address, next))
            chain.Add(address);

        return chain;
    }
}
