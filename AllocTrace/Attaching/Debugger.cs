namespace AllocTrace.Attaching;

/// <summary>
/// Has a process with an older CPython call a function, by gdb: at the entry of a C API function, which a thread enters with the GIL and not
/// within the C library, so neither a lock of malloc nor one of the loader is held by the thread that makes the call.
/// </summary>
internal static class Debugger
{
    private const int LookMs = 10;

    /// <summary>
    /// The places where the call may be made. Builds that are optimized over all files have copies of these functions within others; those which types
    /// point to (tp_free, tp_getattro, tp_alloc …) are entered all the same.
    /// </summary>
    private static readonly string[] _places =
    [
        "PyEval_SaveThread", "PyErr_CheckSignals", "_PyEval_EvalFrameDefault", "PyObject_Malloc", "PyObject_Free", "PyObject_GC_Del", "PyType_GenericAlloc",
        "PyObject_GenericGetAttr", "PyObject_GetAttr", "PyObject_RichCompare", "PyObject_IsTrue", "PyObject_SelfIter", "PyObject_GetIter", "PyObject_GetItem",
        "_PyObject_MakeTpCall", "PyList_Append", "PyNumber_Add", "PyLong_FromLong",
    ];

    /// <summary>The time limit for gdb to stop a process that does not reach one of the places.</summary>
    private static readonly TimeSpan _stopping = TimeSpan.FromSeconds(30);

    /// <summary>Has the process call a function of the library.</summary>
    /// <returns>The result of the call.</returns>
    /// <exception cref="IOException">It failed; the process continues unchanged. The message is one line.</exception>
    public static int Call(TargetProcess target, string python, RemoteCall call, AttachDeadline deadline)
    {
        if (target.Status.Tracer is not 0 and var tracer)
            throw new IOException($"process {target.Pid} is already being traced by process {tracer} (a debugger or strace): end that first");

        var places = target.Symbols(python, _places).Values.ToArray();
        var libc = CLibrary.Find(target) ?? throw new IOException($"process {target.Pid} has no C library that can load {call.Library}");
        using var gdb = Gdb.Attach(target.Pid);
        if (!gdb.Do("printf \"alloctrace-attached %d\\n\", $pc != 0").Contains("alloctrace-attached 1", StringComparison.Ordinal))
            throw new IOException($"gdb could not attach to process {target.Pid}: {gdb.LastError}");

        if (!StopAt(gdb, target.Pid, places, deadline))
            throw deadline.Exception(target.Pid);

        // From here on without a limit: a call that has begun is not to be left half way.
        var output = gdb.Do(GdbCall.Script(libc, call));
        return GdbCall.Result(output)
            ?? throw new IOException($"gdb attached to process {target.Pid}, but the call failed: {gdb.LastError}");
    }

    /// <summary>Lets the process run until a thread reaches one of the places, and removes the breakpoints.</summary>
    private static bool StopAt(Gdb gdb, uint pid, ulong[] places, AttachDeadline deadline)
    {
        // A signal of the process goes to it without a stop. SIGSTOP from us is what ends the waiting, and never reaches it.
        gdb.Do([
            "handle all nostop noprint pass", "handle SIGINT nostop noprint pass", "handle SIGSTOP stop print nopass", "catch exec", .. places.Select(place => $"break *{place}")]);
        string[] end =
        [
            $"set $there = {string.Join(" || ", places.Select(place => $"(unsigned long)$pc == {place}"))}", "printf \"alloctrace-there %d\\n\", $there", "delete",
        ];
        var stopped = gdb.Begin(["continue", .. end]);
        while (!stopped.Wait(LookMs) && !deadline.IsOver)
        {
        }

        if (!stopped.IsCompleted)
        {
            if (TargetStatus.Of(pid)?.Tracer == gdb.Pid)
                _ = LibC.Kill((int)pid, LibC.SigStop);

            var isStopped = stopped.Wait(_stopping);
            if (!gdb.IsAlive || !isStopped)
                _ = LibC.Kill((int)pid, LibC.SigCont); // should gdb have gone away between the two
        }

        return stopped.Wait(_stopping) && stopped.Result.Contains("alloctrace-there 1", StringComparison.Ordinal);
    }
}
