using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Tests threads that end in unusual ways, and recordings that end before their process: no lock is held, and nothing is left behind.
/// </summary>
[TestClass]
public sealed class DepartingTests
{
    private static readonly string _program = Alloctrace.ProgramFile("departing.py");

    private static readonly string _python = Python.Default.Path;

    /// <summary>
    /// Cancels a thread in the first allocation of a recording, which opens files under the library's lock: it leaves the allocation first.
    /// </summary>
    [TestMethod]
    public void Thread_is_not_cancelled_within_the_first_allocation_of_a_recording()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("trace.db");
        var result = Command.Run("timeout", ["60", _python, _program, TestLibrary.Departing, "cancelled", Alloctrace.Library, database]).Succeeded();
        Assert.AreEqual(("1\n", ""), (result.Output, result.Error));
        Assert.AreEqual(1000, TraceQuery.Single<long>(database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function IN ('<module>', '<listcomp>') AND allocated_bytes / allocated_blocks = 1033"));
    }

    /// <summary>
    /// Allocates in all rounds of destructors of thread-specific data, before and after ours; in some threads only there.
    /// </summary>
    [TestMethod]
    public void Threads_that_allocate_while_they_end_leave_nothing_behind()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_ENDING_THREADS") ?? "500");
        using var folder = new TemporaryFolder();
        var database = folder.File("trace.db");
        var result = Alloctrace.Run("run", "-q", "-o", database, "--", _python, _program, TestLibrary.Departing, "ending", $"{count}").Succeeded();
        Assert.IsLessThan(1_500, long.Parse(result.Output), "KiB of private memory");
        TraceQuery.AssertLedger(database);

        // Each thread once in the last round of one key; those with a number not divisible by 3 in four rounds of two keys; odd ones before.
        var threads = Enumerable.Range(0, 60).Concat(Enumerable.Range(0, count - 60)).ToArray();
        var calls = threads.Length + 8 * threads.Count(number => number % 3 != 0) + threads.Count(number => number % 2 != 0);
        Assert.AreEqual(
            (calls, calls),
            TraceQuery.Single<(long, long)>(database, "SELECT sum(allocated_blocks), sum(freed_blocks) FROM site_frame WHERE thread_os_id <> pid AND domain_name = 'raw'"));
    }

    /// <summary>Stops recordings while one thread computes and another waits.</summary>
    [TestMethod]
    public void Recordings_that_were_stopped_leave_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        var result = Command.Run(_python, [_program, TestLibrary.Departing, "cycles", Alloctrace.Library, folder.Path, "15"]).Succeeded();
        Assert.AreEqual("", result.Error);
        var (mappings, size) = result.Output.Split(' ') is [var first, var second] ? (int.Parse(first), int.Parse(second)) : throw new FormatException(result.Output);
        Assert.IsLessThan(5, mappings, "of ten cycles; a session has six");
        Assert.IsLessThan(2_500, size, "KiB, of ten cycles; a session has 1,300, and CPython's own arenas come and go");
        Assert.HasCount(15, folder.Files("*.alloctrace"));
    }
}
