using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace AllocTrace.Attaching;

/// <summary>The script that a CPython from 3.14 on runs for us, in a folder of its own, and its answer.</summary>
internal static class RemoteScript
{
    private const int LookMs = 5;

    /// <summary>Has the process call a function of the library.</summary>
    /// <returns>What it returned.</returns>
    public static int Call(Target target, RemoteDebugging door, Call call, TimeSpan patience)
    {
        var folder = Directory.CreateTempSubdirectory("alloctrace-attach-").FullName; // 0700
        try
        {
            var (script, answer) = (Path.Combine(folder, "attach.py"), Path.Combine(folder, "answer"));
            File.WriteAllText(script, Text(call, answer));
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (!File.Exists(target.Seen(script)))
                throw new IOException($"process {target.Pid} does not see {script}: it is in a container, or has another /tmp");

            door.Request(script);
            return Await(target, door, answer, patience);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Await(Target target, RemoteDebugging door, string answer, TimeSpan patience)
    {
        var time = Stopwatch.StartNew();
        while (!File.Exists(answer))
        {
            if (!Directory.Exists($"/proc/{target.Pid}"))
                throw new IOException($"process {target.Pid} ended");

            if (time.Elapsed > patience && door.Withdraw())
                throw Idle(target.Pid, patience);

            // Taken up: the library has its own time limits, but a script that could not be opened never answers.
            if (time.Elapsed > patience * 3)
                throw new IOException($"process {target.Pid} did not answer: its stderr may say why");

            Thread.Sleep(LookMs);
        }

        var text = File.ReadAllText(answer);
        return int.TryParse(text, CultureInfo.InvariantCulture, out var result) ? result : throw new IOException($"process {target.Pid}: {text}");
    }

    public static IOException Idle(uint pid, TimeSpan patience) =>
        new($"process {pid} ran no Python code for {patience.TotalSeconds} s (its main thread waits in a system call or in native code); nothing was changed");

    private static string Text(Call call, string answer) => $"""
        import ctypes, os
        try:
            # PyDLL: starting wants the GIL. CDLL: the program goes on while the database is completed.
            _library = ctypes.{(call.Path is null ? "CDLL" : "PyDLL")}({Bytes(call.Library)}.decode("utf-8", "surrogateescape"))
            _status = (ctypes.c_uint32 * {Attaching.Call.StatusBytes / 4})({Attaching.Call.StatusBytes})
            _library.alloctrace_get_status(_status)
            _answer = {Attaching.Call.AlreadyRecording} if {(call.Path is null ? "False" : "_status[1]")} else _library.{call.Function}({(call.Path is null ? "" : $"{Bytes(call.Path)}, None")})
        except BaseException as _error:
            _answer = repr(_error)
        with open({Bytes(answer)} + b".new", "w") as _file:
            _file.write(str(_answer))
        os.rename({Bytes(answer)} + b".new", {Bytes(answer)})

        """;

    private static string Bytes(string text) => $"b'{string.Concat(Encoding.UTF8.GetBytes(text).Select(value => $"\\x{value:x2}"))}'";
}
