using System.Globalization;
using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares callstack.h, used by programs/callstack.py and native/callstack_probe.c, with each interpreter's own answers.
/// </summary>
[TestClass]
public sealed class CallstackTests
{
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Frames_of_every_kind_are_those_of_sys_getframe_and_print_as_faulthandler_prints_them(Python python) => Run(python, "same");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Freed_code_is_no_code_under_debug_allocators(Python python) => Run(python, "freed");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Threads_may_have_no_state_no_frames_and_no_GIL(Python python) => Run(python, "threads");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Frames_are_there_while_the_interpreter_finalizes(Python python) => StringAssert.Contains(Run(python, "finalizing").Output, "the same while finalizing");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Sub_interpreters_have_stacks_and_threads_of_their_own(Python python) => Run(python, "interpreters");

    /// <summary>Interrupts each interpreter ALLOCTRACE_INTERRUPTIONS times; 10,000 take about a minute in all.</summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Interrupted_at_random_moments_the_stack_is_what_faulthandler_prints_at_that_moment(Python python) =>
        Run(python, "interrupted", Environment.GetEnvironmentVariable("ALLOCTRACE_INTERRUPTIONS") ?? "1000");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void From_an_allocator_hook_every_stack_is_exact(Python python)
    {
        using var folder = new TemporaryFolder();
        var (expected, got) = (folder.File("expected.json"), folder.File("got.json"));
        Run(python, "hook", got, Alloctrace.ProgramFile("random_stacks.py"), "5", expected);
        var stacks = File.ReadLines(got).Select(line => JsonDocument.Parse(line).RootElement).ToLookup(item => item[0].GetInt64(), item => Text(item[1]));
        var compared = 0;
        foreach (var item in File.ReadLines(expected).Select(line => JsonDocument.Parse(line).RootElement))
        {
            var told = stacks[item[0].GetInt64()].ToArray();
            Assert.HasCount(1, told);
            Assert.AreEqual(Text(item[1]), told[0]);
            compared++;
        }

        Assert.IsGreaterThan(3000, compared);
    }

    private static string Text(JsonElement frames) =>
        string.Join('\n', frames.EnumerateArray().Select(frame => string.Create(CultureInfo.InvariantCulture, $"{frame[0]}:{frame[1]} {frame[2]}")));

    private static CommandResult Run(Python python, params string[] arguments) =>
        python.Run([Alloctrace.ProgramFile("callstack.py"), Alloctrace.Library, TestLibrary.CallstackProbe, .. arguments], environment: new() { ["PYTHONMALLOC"] = arguments[0] == "freed" ? "debug" : null })
            .Succeeded();
}
