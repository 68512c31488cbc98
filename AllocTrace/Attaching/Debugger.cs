using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AllocTrace.Attaching;

/// <summary>
/// Has a process with an older CPython call a function, by gdb: at the entry of a C API function, which a thread enters with the GIL and not
/// within the C library, so neither a lock of malloc nor one of the loader is held by the thread that makes the call.
/// </summary>
internal static partial class Debugger
{
    private const int LookMs = 10;
    private const int RoomBytes = 16384, PathAt = 8192;

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
        var libc = Library.Find(target) ?? throw new IOException($"process {target.Pid} has no C library that can load {call.Library}");
        using var gdb = new Gdb(target.Pid);
        if (!gdb.Do("printf \"alloctrace-attached %d\\n\", $pc != 0").Contains("alloctrace-attached 1", StringComparison.Ordinal))
            throw new IOException($"gdb could not attach to process {target.Pid}: {gdb.LastError}");

        if (!StopAt(gdb, target.Pid, places, deadline))
            throw deadline.Exception(target.Pid);

        // From here on without a limit: a call that has begun is not to be left half way.
        var output = gdb.Do(Script(libc, call));
        return Answer().Match(output) is { Success: true } answer
            ? int.Parse(answer.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new IOException($"gdb attached to process {target.Pid}, but the call failed: {gdb.LastError}");
    }

    /// <summary>Lets the process run until a thread comes to one of the places, and takes the breakpoints out.</summary>
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

    private static IEnumerable<string> Script(Library libc, RemoteCall call)
    {
        yield return $"set $room = ((char *(*)(unsigned long)){libc.Malloc})({RoomBytes})";
        yield return $"set {Text(call.Library, 0)}";
        yield return $"set $library = ((void *(*)(char *, int)){libc.Open})($room, 2)";
        yield return $"set $result = {RemoteCall.NotLoaded}";
        yield return "if $library";
        yield return $"  set {Text("alloctrace_get_status", 0)}";
        yield return $"  set $status = ((void *(*)(void *, char *)){libc.Look})($library, $room)";
        yield return $"  set {Text(call.Function, 0)}";
        yield return $"  set $function = ((void *(*)(void *, char *)){libc.Look})($library, $room)";
        yield return $"  set {{unsigned int}}$room = {RemoteCall.StatusBytes}";
        yield return "  set $result = ((int (*)(void *))$status)($room)";
        yield return $"  if {(call.Path is null ? "0" : "{unsigned int}($room + 4) != 0")}";
        yield return $"    set $result = {RemoteCall.AlreadyRecording}";
        yield return "  else";
        yield return $"    set {Text(call.Path ?? "", PathAt)}";
        yield return $"    set $result = ((int (*)(char *, char *))$function)($room + {PathAt}, (char *)0)";
        yield return "  end";
        yield return "end";
        yield return $"set $nothing = ((int (*)(void *)){libc.Free})($room)";
        yield return "printf \"alloctrace-answer %d\\n\", $result";
        yield return "detach";
    }

    /// <summary>An assignment of bytes as numbers: nothing in a name can be taken for a command.</summary>
    private static string Text(string text, int at)
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes(text), 0];
        return $"{{unsigned char[{bytes.Length}]}}($room + {at}) = {{{string.Join(", ", bytes.Select(value => $"(unsigned char){value}"))}}}";
    }

    [GeneratedRegex(@"alloctrace-answer (-?\d+)")]
    private static partial Regex Answer();

    /// <summary>Functions of the C library, by their addresses in the process.</summary>
    private sealed partial record Library(ulong Open, ulong Look, ulong Malloc, ulong Free)
    {
        public static Library? Find(TargetProcess target)
        {
            var symbols = target.Files.Where(file => LibC().IsMatch(Path.GetFileName(file)))
                .SelectMany(file => target.Symbols(file, "dlopen", "dlsym", "__libc_dlopen_mode", "__libc_dlsym", "malloc", "free"))
                .DistinctBy(symbol => symbol.Key).ToDictionary();

            // Before glibc 2.34 the first two are in a library of their own, which need not be there.
            var open = symbols.GetValueOrDefault("dlopen", symbols.GetValueOrDefault("__libc_dlopen_mode"));
            var look = symbols.GetValueOrDefault("dlsym", symbols.GetValueOrDefault("__libc_dlsym"));
            return open != 0 && look != 0 && symbols.TryGetValue("malloc", out var malloc) && symbols.TryGetValue("free", out var free) ? new(open, look, malloc, free) : null;
        }

        [GeneratedRegex(@"^(lib(c|dl)[.-]|ld-musl).*")]
        private static partial Regex LibC();
    }
}
