using AllocTrace.Replay;
using AllocTrace.Stacks;
using AllocTrace.Symbols;
using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>Writes what a fatal signal found.</summary>
internal sealed unsafe class CrashWriter(WriteConnection connection)
{
    /// <summary>The first CPython that links the loops it is in into a list: 3.11 (<c>Py_Version</c>).</summary>
    private const uint FirstWithLoops = 0x030b0000;

    private long _threads;

    /// <summary>All that can be damaged, read and checked before the first row is written.</summary>
    /// <returns><see langword="null"/> if there was no crash.</returns>
    /// <exception cref="InvalidTraceException">The crash is damaged.</exception>
    public static CrashContent? Read(SessionFile session)
    {
        if (CrashExtent.Of(session) is not { } crash)
            return null;

        var header = crash.Header;
        var allocations = Enumerable.Range(0, (int)header.Allocations).Select(number => crash.Allocation((uint)number)).ToArray();
        if (allocations.Any(allocation => allocation.Stack >= session.NodeCount || allocation.Domain >= WireFormat.Domains || ((RecordKind)allocation.Kind).ToAllocationKind() is null))
            throw session.Damaged("a crash has an impossible allocation");

        var threads = new List<(CrashThread, StackFrame[])>();
        for (uint number = 0; number < header.Threads; number++)
        {
            var thread = crash.Thread(number);
            if (thread.Frames > header.Frames)
                throw session.Damaged($"a thread of a crash has {thread.Frames} frames");

            threads.Add((thread, [.. Enumerable.Range(0, (int)thread.Frames).Select(position => FrameOf(crash, thread.FirstFrame + (uint)position))]));
        }

        CrashedCFrame[] c = [.. Enumerable.Range(0, (int)header.CFrames).Select(number => CFrameOf(crash, (uint)number))];
        if (threads.Count > 0 && threads[0].Item1 is var first && first.Runtime < session.Header->Runtimes && session.Runtime(first.Runtime)->Hex < FirstWithLoops)
            c = CrashFrames.Place(c, threads[0].Item2.Length, header.CIsCut != 0);

        return new CrashContent(header, crash.IsComplete, threads, c, allocations);
    }

    /// <summary>Writes a crash.</summary>
    /// <param name="process">Its number in the database.</param>
    /// <param name="crash">It.</param>
    /// <param name="replay">Determines the time.</param>
    /// <param name="domains">The numbers in the database of a record's domains.</param>
    /// <param name="stacks">Those of the nodes of its allocations.</param>
    public void Add(long process, CrashContent crash, ProcessReplay replay, long[] domains, NodeStacks stacks)
    {
        var header = crash.Header;
        using var crashRow = new RawInsert(connection, "crash", columns: 12);
        using var allocationRow = new RawInsert(connection, "crash_allocation", columns: 7);
        crashRow.Add(
            process,
            header.Signal,
            SignalName.Of(header.Signal),
            header.Code,
            header.Code > 0 ? (long?)header.Address : null,
            header.SenderPid == 0 ? (long?)null : header.SenderPid,
            replay.SinceStart(header.AtNs),
            header.OsId,
            header.Collecting != 0,
            header.ThreadsInAll,
            header.NestedSignal == 0 ? (long?)null : header.NestedSignal,
            crash.IsComplete);
        foreach (var (thread, frames) in crash.Threads)
            AddThread(process, thread, frames);

        using var cFrameRow = new RawInsert(connection, "crash_c_frame", columns: 7);
        foreach (var (position, frame) in crash.CFrames.Index())
            cFrameRow.Add(process, position, frame.Path, frame.Offset, frame.Function, header.CIsCut != 0 && position == crash.CFrames.Count - 1, frame.PythonFrames);

        foreach (var (position, allocation) in crash.Allocations.Index())
        {
            allocationRow.Add(
                process,
                position,
                ((RecordKind)allocation.Kind).ToAllocationKind()!.Value.Word(),
                domains[allocation.Domain],
                (long)allocation.Size,
                (long)allocation.Address,
                allocation.Kind == (uint)RecordKind.Free ? (long?)null : stacks[allocation.Stack]);
        }
    }

    private static StackFrame FrameOf(CrashExtent crash, uint number)
    {
        var frame = crash.Frame(number);
        return new StackFrame(crash.Text(frame.Filename), Math.Max(frame.Line, 0), crash.Text(frame.Function));
    }

    private static CrashedCFrame CFrameOf(CrashExtent crash, uint number)
    {
        var frame = crash.CFrame(number);
        var path = crash.Text(frame.Path);
        return path == "" ? new CrashedCFrame("", (long)frame.Address, "") { PythonFrames = 0 }
            : new CrashedCFrame(path, (long)frame.Offset, path[0] == '/' ? SymbolFiles.OfSystem.Find(path, buildId: null, frame.Offset)?.Name ?? "" : "") { PythonFrames = frame.PythonFrames };
    }

    private void AddThread(long process, CrashThread thread, StackFrame[] frames)
    {
        var id = ++_threads;
        using var threadRow = new RawInsert(connection, "crash_thread", columns: 9);
        using var frameRow = new RawInsert(connection, "crash_frame", columns: 5);
        threadRow.Add(
            id,
            process,
            thread.OsId == 0 ? (long?)null : thread.OsId,
            (long)thread.Identifier,
            CrashExtent.NameOf(thread),
            thread.Runtime == CrashThread.NoRuntime ? (long?)null : thread.Interpreter,
            (thread.Flags & CrashThread.Crashed) != 0,
            thread.Depth,
            (thread.Flags & CrashThread.Faulted) != 0);
        foreach (var (position, frame) in frames.Index())
            frameRow.Add(id, position, frame.Filename, frame.Line, frame.Function);
    }
}
