using System.Diagnostics;

using AllocTrace.Stacks;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Runs <c>alloctrace stack</c> on processes that made their own lists endless, because root uses it on everybody's.</summary>
[TestClass]
public sealed class HostileProcessTests
{
    /// <summary>The limit of memory, far below the size of an endless list.</summary>
    private const long MostBytes = 800 << 20;

    /// <summary>A program that writes into the named list, and waits. The offsets come from alloctrace's table.</summary>
    private const string Hostile = """
        import ctypes, sys, time
        kind, interpreter_next, state_next, state_frame, is_indirect, frame_previous, cframe = sys.argv[1], *map(int, sys.argv[2:])
        word = lambda address: ctypes.c_uint64.from_address(address)
        api = ctypes.pythonapi
        api.PyInterpreterState_Head.restype = api.PyThreadState_Get.restype = ctypes.c_void_p
        interpreter, state = api.PyInterpreterState_Head(), api.PyThreadState_Get()
        frame = word(state + state_frame).value
        frame = word(frame + cframe).value if is_indirect else frame
        memory = []
        def room(size):
            memory.append(ctypes.create_string_buffer(size)); return ctypes.addressof(memory[-1])
        def copies(of, size, next, count):
            at = room(size * count)
            for i in range(count):
                ctypes.memmove(at + i * size, of, size)
                word(at + i * size + next).value = at + (i + 1) * size if i + 1 < count else 0
            return at
        print("ready", flush=True)
        if kind == "interpreters": word(interpreter + interpreter_next).value = interpreter
        if kind == "threads": word(state + state_next).value = state
        if kind == "frames": word(frame + frame_previous).value = frame
        if kind == "many threads": word(state + state_next).value = copies(state, 512, state_next, 200000)
        if kind == "deep threads":
            deep = copies(frame, 112, frame_previous, 250000); word(frame + frame_previous).value = deep
            word(state + state_next).value = copies(state, 512, state_next, 60000)
        api.pause() if hasattr(api, "pause") else time.sleep(600)
        """;

    [TestMethod]
    [DataRow("interpreters", "its lists of interpreters and threads form a cycle")]
    [DataRow("threads", "its lists of interpreters and threads form a cycle")]
    [DataRow("frames", "")]
    [DataRow("many threads", "some stacks are not shown: ")]
    [DataRow("deep threads", "some stacks are not shown: ")]
    public void Stacks_end_and_say_that_they_are_cut(string kind, string says)
    {
        var python = Python.Installed.First(python => python.Minor is 11 or 12);
        var layout = PythonLayout.Find(python.Minor, freeThreaded: false)!;
        string[] offsets = [.. new[] { layout.InterpreterNext, layout.StateNext, layout.StateFrame, layout.FrameIsIndirect ? 1 : 0, layout.FramePrevious, layout.CframeFrame }.Select(offset => $"{offset}")];
        using var process = Process.Start(new ProcessStartInfo(python.Path, ["-c", Hostile, kind, .. offsets]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.AreEqual("ready", process.StandardOutput.ReadLine());
            SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{process.Id}/stat").Contains(") S ", StringComparison.Ordinal), TimeSpan.FromSeconds(20));
            Thread.Sleep(100);
            using var command = Process.Start(new ProcessStartInfo(Alloctrace.Program, ["stack", $"{process.Id}"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var (output, error) = (command.StandardOutput.ReadToEndAsync(), command.StandardError.ReadToEndAsync());
            var most = 0L;
            var time = Stopwatch.StartNew();
            for (; !command.WaitForExit(20) && time.Elapsed < TimeSpan.FromSeconds(60);)
                most = Math.Max(most, Resident(command.Id));

            var hasEnded = command.HasExited;
            if (!hasEnded)
                command.Kill();

            Assert.IsTrue(hasEnded, "it does not end");
            Assert.AreEqual(1, command.ExitCode, error.Result);
            StringAssert.Contains(error.Result, says);
            if (kind == "frames")
                StringAssert.Contains(output.Result, "<only the innermost frames are shown: the stack is too deep, or its frames form a cycle>");

            Assert.IsLessThan(MostBytes, most, "memory");
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    private static long Resident(int pid)
    {
        try
        {
            return long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[1]) * Environment.SystemPageSize;
        }
        catch (IOException)
        {
            return 0; // it has just ended
        }
    }
}
