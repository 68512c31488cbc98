using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace AllocTrace.Attaching;

/// <summary>The script that a CPython from 3.14 on runs for us, in a folder of its own, and its answer.</summary>
/// <remarks>
/// The file <c>wanted</c> decides whether the call is made: the script begins by renaming it, and whoever stops waiting does too. Only one can,
/// so a script that runs late, its request withdrawn, does nothing.
/// </remarks>
internal static class RemoteScript
{
    private const int LookMs = 5;

    /// <summary>How long a process may take from seeing a request to having opened the script.</summary>
    private const int OpeningMs = 1000;

    /// <summary>The longest answer that is read: the process may be anybody's.</summary>
    private const int MostAnswerBytes = 1024;

    /// <summary>How long the call itself may take: the library has its own, shorter limits.</summary>
    private static readonly TimeSpan _answering = TimeSpan.FromMinutes(5);

    /// <summary>Has the process call a function of the library.</summary>
    /// <returns>What it returned.</returns>
    public static int Call(Target target, RemoteDebugging door, Call call, Patience patience)
    {
        // For root: the folder and what is in it belong to the process's user.
        var folder = Impersonation.As(target.Status, () => MakeFolder(call)); // 0700
        try
        {
            if (!File.Exists(target.Seen(ScriptIn(folder))))
                throw new IOException($"process {target.Pid} does not see {folder}: it is in a container, or has another /tmp");

            door.Request(ScriptIn(folder));
            return Await(target, door, folder, patience);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string ScriptIn(string folder) => Path.Combine(folder, "attach.py");

    private static string AnswerIn(string folder) => Path.Combine(folder, "answer");

    private static string WantedIn(string folder) => Path.Combine(folder, "wanted");

    private static string MakeFolder(Call call)
    {
        var folder = Directory.CreateTempSubdirectory("alloctrace-attach-").FullName;
        File.WriteAllText(ScriptIn(folder), Text(call, folder));
        File.WriteAllText(WantedIn(folder), "");
        return folder;
    }

    private static int Await(Target target, RemoteDebugging door, string folder, Patience patience)
    {
        var time = Stopwatch.StartNew();
        while (!File.Exists(AnswerIn(folder)))
        {
            if (TargetStatus.Of(target.Pid) is null or { IsOver: true })
                throw new IOException($"process {target.Pid} ended");

            if (patience.IsOver && Withdraw(door, folder))
                throw patience.Exception(target.Pid);

            if (time.Elapsed > patience.Limit + _answering)
                throw new IOException($"process {target.Pid} has taken the request up, and does not answer");

            Thread.Sleep(LookMs);
        }

        var text = ReadAnswer(folder);
        return int.TryParse(text, CultureInfo.InvariantCulture, out var result) ? result : throw new IOException($"process {target.Pid}: {text}");
    }

    /// <returns>Whether the script will do nothing; otherwise it is at it, and answers.</returns>
    private static bool Withdraw(RemoteDebugging door, string folder)
    {
        try
        {
            File.Move(WantedIn(folder), Path.Combine(folder, "withdrawn"));
        }
        catch (FileNotFoundException)
        {
            return false;
        }

        door.Withdraw();
        Thread.Sleep(OpeningMs); // it may be about to open the file, which must be there then
        return true;
    }

    private static string ReadAnswer(string folder)
    {
        using var file = File.OpenRead(AnswerIn(folder));
        var bytes = new byte[MostAnswerBytes];
        return Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
    }

    private static string Text(Call call, string folder) => $$"""
        import os
        def run(folder):
            try:
                os.rename(folder + b"/wanted", folder + b"/taken")
            except OSError:
                return
            answer = os.open(folder + b"/answer.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                import ctypes
                # PyDLL keeps the GIL, which starting wants.
                library = ctypes.PyDLL(os.fsdecode({{Bytes(call.Library)}}))
                status = (ctypes.c_uint32 * {{Attaching.Call.StatusBytes / 4}})({{Attaching.Call.StatusBytes}})
                library.alloctrace_get_status(status)
                if {{(call.Path is null ? "True" : "not status[1]")}}:
                    result = library.{{call.Function}}({{(call.Path is null ? "" : $"{Bytes(call.Path)}, None")}})
                else:
                    result = {{Attaching.Call.AlreadyRecording}}
            except BaseException as error:
                result = repr(error)
            os.write(answer, str(result).encode("utf-8", "replace"))
            os.close(answer)
            os.rename(folder + b"/answer.new", folder + b"/answer")
        run({{Bytes(folder)}})

        """;

    private static string Bytes(string text) => $"b'{string.Concat(Encoding.UTF8.GetBytes(text).Select(value => $"\\x{value:x2}"))}'";
}
