using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

using AllocTrace.Stacks;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares <c>alloctrace stack</c> with the stacks that processes, also busy ones, write themselves (programs/reported.py).
/// </summary>
[TestClass]
public sealed class StackCommandTests
{
    private const int ProcessesOfEach = 30;

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Stacks_are_those_that_processes_report_about_themselves(Python python)
    {
        for (var seed = 0; seed < ProcessesOfEach; seed++)
        {
            using var process = Start(python, seed);
            try
            {
                var report = JsonDocument.Parse(process.StandardOutput.ReadLine()!).RootElement;
                for (var look = 0; look < 3; look++)
                    Compare(report, ProcessStacks.Read((uint)process.Id), $"seed {seed}");
            }
            finally
            {
                End(process);
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Command_prints_them_as_text_and_as_JSON(Python python)
    {
        using var process = Start(python, seed: 3);
        try
        {
            var report = JsonDocument.Parse(process.StandardOutput.ReadLine()!).RootElement;
            var json = JsonDocument.Parse(Alloctrace.Run("stack", $"{process.Id}", "--json").Succeeded().Output).RootElement;
            Assert.AreEqual(process.Id, json.GetProperty("pid").GetInt32());
            var main = json.GetProperty("threads").EnumerateArray().Single(thread => thread.GetProperty("id").GetInt32() == process.Id);
            Assert.AreEqual("report", main.GetProperty("frames").EnumerateArray().Last().GetProperty("function").GetString());
            Assert.AreEqual(0, main.GetProperty("interpreter").GetInt32());

            var text = Alloctrace.Run("stack", $"{process.Id}").Succeeded().Output;
            StringAssert.Contains(text, $"Process {process.Id}: CPython 3.{python.Minor}");
            var innermost = report.GetProperty("waiting").EnumerateObject().Last().Value.EnumerateArray().Last();
            StringAssert.Contains(text, $"  File \"{innermost[0]}\", line {innermost[1]} in {innermost[2]}\n");
        }
        finally
        {
            End(process);
        }
    }

    [TestMethod]
    public void Threads_of_sub_interpreters_are_shown_with_their_interpreter()
    {
        const string Program = """
            import sys, threading, time
            try:
                import _interpreters
            except ImportError:
                import _xxsubinterpreters as _interpreters
            number = _interpreters.create()
            code = "import sys\ndef inside():\n    sys.stdout.write('ready\\n'); sys.stdout.flush()\n    sys.stdin.read()\ninside()"
            _interpreters.run_string(number, code)
            """;
        using var process = Start(Python.Default, "-c", Program);
        try
        {
            Assert.AreEqual("ready", process.StandardOutput.ReadLine());
            var threads = ProcessStacks.Read((uint)process.Id);
            var inside = threads.Single(thread => thread.Interpreter != 0);
            CollectionAssert.AreEqual(new[] { "<module>", "inside" }, inside.Frames!.Select(frame => frame.Function).ToArray());
            StringAssert.Contains(Alloctrace.Run("stack", $"{process.Id}").Succeeded().Output, $", interpreter {inside.Interpreter} of CPython ");
        }
        finally
        {
            End(process);
        }
    }

    [TestMethod]
    public void What_cannot_be_shown_is_one_line()
    {
        AssertFails("alloctrace: there is no process 4194303\n", "stack", "4194303");
        AssertFails($"alloctrace: process {Environment.ProcessId} runs no Python that exports its symbols\n", "stack", $"{Environment.ProcessId}");
    }

    private static void AssertFails(string message, params string[] arguments)
    {
        var result = Alloctrace.Run(arguments);
        Assert.AreEqual((1, message), (result.ExitCode, result.Error));
    }

    private static void Compare(JsonElement report, IReadOnlyList<ThreadStack> threads, string where)
    {
        var byIdentifier = threads.ToDictionary(thread => thread.Identifier);
        foreach (var thread in report.GetProperty("waiting").EnumerateObject())
        {
            var expected = thread.Value.EnumerateArray().Select(frame => $"{Text(frame[0])}:{frame[1]} {Text(frame[2])}").ToArray();
            var got = byIdentifier[ulong.Parse(thread.Name, CultureInfo.InvariantCulture)];
            CollectionAssert.AreEqual(expected, got.Frames?.Select(frame => $"{frame.Filename}:{frame.Line} {frame.Function}").ToArray(), where);
        }

        var calls = report.GetProperty("calls").EnumerateArray().Select(call => (call[0].GetInt32(), call[1].GetString()!)).ToHashSet();
        foreach (var identifier in report.GetProperty("busy").EnumerateArray())
        {
            var frames = byIdentifier[identifier.GetUInt64()].Frames;
            Assert.IsNotNull(frames, $"{where}: a busy thread was not shown");
            var text = string.Join('\n', frames.Select(frame => $"{frame.Line} {frame.Function}"));
            var inBusy = frames.SkipWhile(frame => frame.Function != "busy").TakeWhile(frame => !frame.Filename.EndsWith("threading.py", StringComparison.Ordinal)).ToArray();
            foreach (var (caller, callee) in inBusy.Zip(inBusy.Skip(1)))
                Assert.Contains((caller.Line, callee.Function), calls, $"{where}: torn\n{text}");
        }
    }

    /// <summary>Returns a name as reports have it: lone surrogates, which JSON escapes, are written out.</summary>
    private static string Text(JsonElement name)
    {
        var raw = name.GetRawText();
        return raw.Contains("\\udc80", StringComparison.Ordinal) ? JsonDocument.Parse(raw.Replace("\\udc80", "\\\\udc80", StringComparison.Ordinal)).RootElement.GetString()! : name.GetString()!;
    }

    private static Process Start(Python python, int seed) => Start(python, Alloctrace.ProgramFile("reported.py"), $"{seed}");

    private static Process Start(Python python, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(python.Path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8 })!;

    private static void End(Process process)
    {
        process.Kill();
        process.WaitForExit();
    }
}
