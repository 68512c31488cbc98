using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests threads of every kind: the ledger adds up, and each call belongs to its own thread.</summary>
[TestClass]
public sealed class ThreadTests
{
    private const string OthersThanMain = "JOIN process ON process.id = thread.process AND process.pid <> os_id";

    private static readonly string _program = Alloctrace.ProgramFile("threads.py");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Blocks_that_two_threads_pass_to_and_fro_are_freed_by_the_right_one(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "hammer");
        TraceQuery.AssertLedger(database);
        var threads = TraceQuery.Rows<(long Allocated, long Freed)>(
            database, $"SELECT sum(allocated_blocks), sum(freed_blocks) FROM site JOIN thread ON thread.id = thread {OthersThanMain} GROUP BY thread");
        Assert.HasCount(2, threads);
        foreach (var (allocated, freed) in threads)
        {
            Assert.AreEqual(100_000 + 100_000 / 16, allocated);
            Assert.AreEqual(allocated, freed);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Two_hundred_foreign_threads_come_and_go(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "come_and_go");
        TraceQuery.AssertLedger(database);
        var threads = TraceQuery.Rows<(long Allocated, long Bytes, long Freed, bool Ended)>(
            database, $"""
            SELECT sum(allocated_blocks), sum(allocated_bytes), sum(freed_blocks), ended_ns IS NOT NULL
            FROM site JOIN thread ON thread.id = thread {OthersThanMain} GROUP BY thread
            """);
        Assert.HasCount(200, threads);
        Assert.IsTrue(threads.All(thread => thread == (2, 1100, 2, true)), string.Join(' ', threads.Where(thread => thread != (2, 1100, 2, true))));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Foreign_threads_that_run_Python_have_its_stacks(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "foreign");
        TraceQuery.AssertLedger(database);
        var threads = TraceQuery.Rows<(string Function, long Blocks)>(
            database, "SELECT function, sum(allocated_blocks) FROM site_frame WHERE allocated_bytes >= 50000 AND function = 'foreign_function' GROUP BY thread");
        Assert.HasCount(50, threads);
        Assert.AreEqual(50, TraceQuery.Single<long>(
            database, "SELECT count(*) FROM site_frame WHERE stack = 0 AND thread_os_id <> pid AND domain = 0 AND allocated_bytes BETWEEN 77777 AND 150000 AND freed_bytes >= 77777"), "before the thread knew Python");
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Raw_calls_without_the_GIL_have_the_stack_of_their_own_thread(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "raw");
        TraceQuery.AssertLedger(database);
        var rows = TraceQuery.Rows<(string Function, long Allocated, long Freed)>(
            database, "SELECT function, allocated_blocks, freed_blocks FROM site_frame WHERE domain_name = 'raw' AND allocated_bytes = 54321 * allocated_blocks");
        Assert.HasCount(5, rows);
        Assert.IsTrue(rows.All(row => row == ("without_the_gil", 100, 100)), string.Join(' ', rows));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void A_hundred_Python_threads_come_and_go(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "python");
        TraceQuery.AssertLedger(database);
        var works = TraceQuery.Rows<long>(database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function LIKE '%work%' AND thread_os_id <> pid GROUP BY thread");
        Assert.HasCount(100, works);
        Assert.AreEqual(100, TraceQuery.Single<long>(database, "SELECT count(*) FROM thread WHERE ended_ns IS NOT NULL"));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Daemon_threads_do_not_outlive_the_ledger(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "daemons");
        TraceQuery.AssertLedger(database);
        Assert.AreEqual(("finalized", 1), TraceQuery.Single<(string, long)>(database, "SELECT ending, count(*) FROM process JOIN snapshot ON process = process.id WHERE kind = 'live'"));
        Assert.AreEqual(4, TraceQuery.Single<long>(database, "SELECT count(DISTINCT thread) FROM site_frame WHERE function LIKE 'forever%'"));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Threads_have_the_names_that_Python_gives_them(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var output = Alloctrace.Run("run", "-q", "-o", database, "--", python.Path, _program, TestLibrary.Threads, "named").Succeeded().Output;
        var names = JsonSerializer.Deserialize<Dictionary<long, string>>(output)!;
        Assert.HasCount(6, names);
        CollectionAssert.AreEquivalent(
            names.Select(thread => (thread.Key, thread.Value)).ToArray(), TraceQuery.Rows<(long, string)>(database, $"SELECT os_id, thread.name FROM thread {OthersThanMain}").ToArray());
    }

    private static string Record(TemporaryFolder folder, Python python, string kind) =>
        Alloctrace.Record(folder, python.Path, _program, TestLibrary.Threads, kind);
}
