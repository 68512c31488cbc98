using AllocTrace.Replay;
using AllocTrace.Stacks;
using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Writes what a fatal signal found.</summary>
internal sealed class CrashWriter(SqliteConnection connection)
{
    private static readonly Dictionary<uint, string> _kinds = new()
    {
        [(uint)RecordKind.Malloc] = "malloc",
        [(uint)RecordKind.Calloc] = "calloc",
        [(uint)RecordKind.Realloc] = "realloc",
        [(uint)RecordKind.Free] = "free",
    };

    private long _threads;

    /// <summary>All that can be damaged, read and checked before the first row is written.</summary>
    /// <returns><see langword="null"/>: there was no crash.</returns>
    /// <exception cref="InvalidTraceException">The crash is damaged.</exception>
    public static CrashContent? Read(SessionFile session)
    {
        if (CrashExtent.Of(session) is not { } crash)
            return null;

        var header = crash.Header;
        var allocations = Enumerable.Range(0, (int)header.Allocations).Select(number => crash.Allocation((uint)number)).ToArray();
        if (allocations.Any(allocation => allocation.Stack >= session.NodeCount || allocation.Domain >= WireFormat.Domains || !_kinds.ContainsKey(allocation.Kind)))
            throw session.Damaged("a crash has an impossible allocation");

        var threads = new List<(CrashThread, StackFrame[])>();
        for (uint number = 0; number < header.Threads; number++)
        {
            var thread = crash.Thread(number);
            if (thread.Frames > header.Frames)
                throw session.Damaged($"a thread of a crash has {thread.Frames} frames");

            threads.Add((thread, [.. Enumerable.Range(0, (int)thread.Frames).Select(position => FrameOf(crash, thread.FirstFrame + (uint)position))]));
        }

        return new CrashContent(header, crash.IsComplete, threads, allocations);
    }

    /// <summary>Writes a crash.</summary>
    /// <param name="process">Its number in the database.</param>
    /// <param name="crash">It.</param>
    /// <param name="replay">Tells the time.</param>
    /// <param name="domains">The numbers in the database of a record's domains.</param>
    /// <param name="stacks">Those of the nodes of its allocations.</param>
    public void Add(long process, CrashContent crash, ProcessReplay replay, long[] domains, long[] stacks)
    {
        var header = crash.Header;
        connection.Run(
            "INSERT INTO crash VALUES (@process, @signal, @name, @code, @address, @sender, @at, @osId, @collecting, @threads, @nested, @complete)",
            ("@process", process),
            ("@signal", header.Signal),
            ("@name", SignalName.Of(header.Signal)),
            ("@code", header.Code),
            ("@address", header.Code > 0 ? (long?)header.Address : null),
            ("@sender", header.SenderPid == 0 ? (long?)null : header.SenderPid),
            ("@at", replay.SinceStart(header.AtNs)),
            ("@osId", header.OsId),
            ("@collecting", header.Collecting != 0),
            ("@threads", header.ThreadsInAll),
            ("@nested", header.NestedSignal == 0 ? (long?)null : header.NestedSignal),
            ("@complete", crash.IsComplete));
        foreach (var (thread, frames) in crash.Threads)
            AddThread(process, thread, frames);

        foreach (var (position, allocation) in crash.Allocations.Index())
        {
            connection.Run(
                "INSERT INTO crash_allocation VALUES (@process, @position, @kind, @domain, @bytes, @address, @stack)",
                ("@process", process),
                ("@position", position),
                ("@kind", _kinds[allocation.Kind]),
                ("@domain", domains[allocation.Domain]),
                ("@bytes", (long)allocation.Size),
                ("@address", (long)allocation.Address),
                ("@stack", allocation.Kind == (uint)RecordKind.Free ? (long?)null : stacks[allocation.Stack]));
        }
    }

    private static StackFrame FrameOf(CrashExtent crash, uint number)
    {
        var frame = crash.Frame(number);
        return new StackFrame(crash.Text(frame.Filename), Math.Max(frame.Line, 0), crash.Text(frame.Function));
    }

    private void AddThread(long process, CrashThread thread, StackFrame[] frames)
    {
        var id = ++_threads;
        connection.Run(
            "INSERT INTO crash_thread VALUES (@id, @process, @osId, @identifier, @name, @interpreter, @crashed, @depth, @faulted)",
            ("@id", id),
            ("@process", process),
            ("@osId", thread.OsId == 0 ? (long?)null : thread.OsId),
            ("@identifier", (long)thread.Identifier),
            ("@name", CrashExtent.NameOf(thread)),
            ("@interpreter", thread.Runtime == CrashThread.NoRuntime ? (long?)null : thread.Interpreter),
            ("@crashed", (thread.Flags & CrashThread.Crashed) != 0),
            ("@depth", thread.Depth),
            ("@faulted", (thread.Flags & CrashThread.Faulted) != 0));
        foreach (var (position, frame) in frames.Index())
            connection.Run("INSERT INTO crash_frame VALUES (@id, @position, @Filename, @Line, @Function)", ("@id", id), ("@position", position), ("@Filename", frame.Filename), ("@Line", frame.Line), ("@Function", frame.Function));
    }
}
