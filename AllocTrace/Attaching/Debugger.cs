using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AllocTrace.Attaching;

/// <summary>Has a process with an older CPython call a function, by gdb: at the entry of a C API function that is called with the GIL, and never by an allocator.</summary>
internal static partial class Debugger
{
    private static readonly string[] _places =
        ["PyEval_SaveThread", "PyObject_GetAttr", "PyObject_RichCompare", "PyObject_IsTrue", "_PyEval_EvalFrameDefault", "PyNumber_Add", "PyErr_CheckSignals"];

    /// <summary>Has the process call a function of the library.</summary>
    /// <returns>What it returned.</returns>
    public static int Call(Target target, string python, Call call, TimeSpan patience)
    {
        var places = target.Symbols(python, _places).Values;
        var libc = target.Files.Where(file => LibC().IsMatch(Path.GetFileName(file)))
            .SelectMany(file => target.Symbols(file, "dlopen", "dlsym", "__libc_dlopen_mode", "__libc_dlsym", "malloc", "free"))
            .DistinctBy(symbol => symbol.Key).ToDictionary();
        var open = libc.GetValueOrDefault("dlopen", libc.GetValueOrDefault("__libc_dlopen_mode"));
        var look = libc.GetValueOrDefault("dlsym", libc.GetValueOrDefault("__libc_dlsym"));
        if (open == 0 || look == 0 || !libc.TryGetValue("malloc", out var malloc))
            throw new IOException($"process {target.Pid} has no C library that could load {call.Library}");

        var script = Path.GetTempFileName(); // 0600
        try
        {
            File.WriteAllText(script, Script(places, open, look, malloc, libc["free"], call));
            var (output, error) = Run(target.Pid, script, patience);
            if (Answer().Match(output) is { Success: true } answer)
                return int.Parse(answer.Groups[1].Value, CultureInfo.InvariantCulture);

            if (output.Contains("alloctrace-idle", StringComparison.Ordinal))
                throw RemoteScript.Idle(target.Pid, patience);

            throw new IOException($"gdb could not attach to process {target.Pid}: {error.Trim().Split('\n')[^1]}");
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static string Script(IEnumerable<ulong> places, ulong open, ulong look, ulong malloc, ulong free, Call call)
    {
        var lines = new List<string> { "set pagination off", "set confirm off", "handle all nostop noprint pass" };
        lines.AddRange(places.Select(place => $"break *{place}"));
        lines.Add("continue");
        lines.Add($"set $there = {string.Join(" || ", places.Select(place => $"(unsigned long)$pc == {place}"))}");
        lines.Add("delete");
        lines.Add("if !$there");
        lines.Add("  echo alloctrace-idle\\n");
        lines.Add("else");
        lines.Add($"  set $room = ((char *(*)(unsigned long)){malloc})(16384)");
        lines.Add($"  set {Text(call.Library, 0)}");
        lines.Add($"  set $library = ((void *(*)(char *, int)){open})($room, 2)");
        lines.Add("  if !$library");
        lines.Add("    echo alloctrace-answer -99\\n");
        lines.Add("  else");
        lines.Add($"    set {Text("alloctrace_get_status", 0)}");
        lines.Add($"    set $status = ((void *(*)(void *, char *)){look})($library, $room)");
        lines.Add($"    set {Text(call.Function, 0)}");
        lines.Add($"    set $function = ((void *(*)(void *, char *)){look})($library, $room)");
        lines.Add($"    set {{unsigned int}}$room = {Attaching.Call.StatusBytes}");
        lines.Add("    set $result = ((int (*)(void *))$status)($room)");
        lines.Add($"    if {(call.Path is null ? "0" : "{unsigned int}($room + 4) != 0")}");
        lines.Add($"      set $result = {Attaching.Call.AlreadyRecording}");
        lines.Add("    else");
        lines.Add($"      set {Text(call.Path ?? "", 8192)}");
        lines.Add("      set $result = ((int (*)(char *, char *))$function)($room + 8192, (char *)0)");
        lines.Add("    end");
        lines.Add("    printf \"alloctrace-answer %d\\n\", $result");
        lines.Add("  end");
        lines.Add($"  set $nothing = ((int (*)(void *)){free})($room)");
        lines.Add("end");
        lines.Add("detach");
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>An assignment of bytes as numbers: nothing in a name can be taken for a command.</summary>
    private static string Text(string text, int at)
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes(text), 0];
        return $"{{unsigned char[{bytes.Length}]}}($room + {at}) = {{{string.Join(", ", bytes.Select(value => $"(unsigned char){value}"))}}}";
    }

    private static (string Output, string Error) Run(uint pid, string script, TimeSpan patience)
    {
        // Interrupted, gdb stops the process where it is, finds that this is none of the places, and detaches.
        var seconds = patience.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo(
            "timeout",
            ["-s", "INT", seconds, "gdb", "-nx", "-q", "-batch", "-iex", "set auto-load off", "-iex", "set auto-solib-add off", "-iex", "set debuginfod enabled off", "-p", $"{pid}", "-x", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var gdb = Process.Start(start)!;
            gdb.StandardInput.Close();
            var error = gdb.StandardError.ReadToEndAsync();
            var output = gdb.StandardOutput.ReadToEnd();
            gdb.WaitForExit();
            return gdb.ExitCode == 127 ? throw new Win32Exception() : (output, error.Result);
        }
        catch (Win32Exception e)
        {
            throw new IOException($"process {pid} runs a CPython before 3.14, which wants gdb to attach: install gdb", e);
        }
    }

    [GeneratedRegex(@"^lib(c|dl)[.-].*")]
    private static partial Regex LibC();

    [GeneratedRegex(@"alloctrace-answer (-?\d+)")]
    private static partial Regex Answer();
}
