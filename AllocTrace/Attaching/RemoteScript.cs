using System.Diagnostics;
using System.Globalization;
using System.Text;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Attaching;

/// <summary>The script that a CPython from 3.14 on runs for us, and its answer, which it writes into a file that is there already.</summary>
/// <remarks>
/// A lock of that file decides whether the call is made: the script begins by taking it, and whoever stops waiting does too. Only one can, so a script
/// that runs late, its request withdrawn, does nothing.
/// </remarks>
internal sealed class RemoteScript : IDisposable
{
    private const string ScriptName = "attach.py", AnswerName = "answer";
    private const int LookMs = 5;

    /// <summary>The time limit from seeing a request to having opened the script.</summary>
    private const int OpeningMs = 1000;

    /// <summary>The longest answer that is read: the process may be anybody's.</summary>
    private const int MostAnswerBytes = 1024;

    /// <summary>The time limit for the call itself: the library has its own, shorter limits.</summary>
    private static readonly TimeSpan _answering = TimeSpan.FromMinutes(5);

    private readonly TargetProcess _target;
    private readonly HandoverFolder _folder;
    private readonly SafeFileHandle _script, _answer;

    private RemoteScript(TargetProcess target, RemoteCall call)
    {
        _target = target;
        _folder = new HandoverFolder(target.Status);
        try
        {
            _answer = _folder.Add(AnswerName, []);
            _script = _folder.Add(ScriptName, Encoding.UTF8.GetBytes(Text(call, Path.Combine(_folder.Path, AnswerName))));
        }
        catch
        {
            _answer?.Dispose();
            _folder.Dispose();
            throw;
        }
    }

    private string ScriptPath => Path.Combine(_folder.Path, ScriptName);

    /// <summary>Has the process call a function of the library.</summary>
    /// <returns>The result of the call.</returns>
    public static int Call(TargetProcess target, RemoteDebugging door, RemoteCall call, AttachDeadline deadline)
    {
        using var script = new RemoteScript(target, call);
        script.CheckSeen();
        door.Request(script.ScriptPath);
        return script.Await(door, deadline);
    }

    public void Dispose()
    {
        _script.Dispose();
        _answer.Dispose();
        _folder.Dispose();
    }

    private void CheckSeen()
    {
        if (LibC.StatusOf(_target.Seen(ScriptPath)) is not { } seen || LibC.StatusOf(_script) is not { } own || !seen.IsSameFile(own))
            throw new IOException($"process {_target.Pid} cannot see {_folder.Path}: it runs in a container, or has its own /tmp. Set TMPDIR to a shared folder");

        try
        {
            Impersonation.As(_target.Status, () =>
            {
                File.OpenHandle(ScriptPath).Dispose();
                return true;
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"the process's user (uid {_target.Status.User}) cannot enter {Path.GetDirectoryName(_folder.Path)}: set TMPDIR to a folder that all users can enter", e);
        }
    }

    private int Await(RemoteDebugging door, AttachDeadline deadline)
    {
        var time = Stopwatch.StartNew();
        string? text;
        while ((text = Answer()) is null)
        {
            if (TargetStatus.Of(_target.Pid) is null or { IsOver: true })
                throw new IOException($"process {_target.Pid} ended");

            if (deadline.IsOver && Withdraw(door))
                throw deadline.Exception(_target.Pid);

            if (time.Elapsed > deadline.Limit + _answering)
                throw new IOException($"process {_target.Pid} took the request, but does not answer");

            Thread.Sleep(LookMs);
        }

        return int.TryParse(text, CultureInfo.InvariantCulture, out var result) ? result : throw new IOException($"process {_target.Pid}: {text}");
    }

    /// <returns>True if the script will do nothing; otherwise it is at it, and answers.</returns>
    private bool Withdraw(RemoteDebugging door)
    {
        if (LibC.TryLockByte(_answer, 0) == false || Answer() is not null)
            return false;

        door.Withdraw();
        Thread.Sleep(OpeningMs); // it may be about to open the file, which must be there then
        return true;
    }

    /// <returns>The line that the script wrote; <see langword="null"/> while it is not whole.</returns>
    private string? Answer()
    {
        Span<byte> bytes = stackalloc byte[MostAnswerBytes];
        bytes = bytes[..RandomAccess.Read(_answer, bytes, fileOffset: 0)];
        return bytes.Length == MostAnswerBytes || bytes.EndsWith("\n"u8) ? Encoding.UTF8.GetString(bytes).Trim() : null;
    }

    /// <summary>Returns the script. Names are bytes in it as numbers: nothing in them can be taken for code.</summary>
    internal static string Text(RemoteCall call, string answer) => $$"""
        import os
        def run(path):
            try:
                answer = os.open(path, os.O_WRONLY)
                os.lockf(answer, os.F_TLOCK, 0)
            except OSError:
                return
            try:
                import ctypes
                # PyDLL keeps the GIL, which starting wants.
                library = ctypes.PyDLL(os.fsdecode({{Bytes(call.Library)}}))
                status = (ctypes.c_uint32 * {{RemoteCall.StatusBytes / 4}})({{RemoteCall.StatusBytes}})
                library.alloctrace_get_status(status)
                if {{(call.Path is null ? "True" : "not status[1]")}}:
                    result = library.{{call.Function}}({{(call.Path is null ? "" : $"{Bytes(call.Path)}, {Bytes(call.Options)}")}})
                else:
                    result = {{RemoteCall.AlreadyRecording}}
            except BaseException as error:
                result = repr(error)
            os.write(answer, (" ".join(str(result).split()) + "\n").encode("utf-8", "replace"))
            os.close(answer)
        run({{Bytes(answer)}})

        """;

    private static string Bytes(string text) => $"b'{string.Concat(Encoding.UTF8.GetBytes(text).Select(value => $"\\x{value:x2}"))}'";
}
