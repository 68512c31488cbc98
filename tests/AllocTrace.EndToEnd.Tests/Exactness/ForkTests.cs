using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests the processes of a recorded one: a forked child begins with its parent's blocks.</summary>
[TestClass]
public sealed class ForkTests
{
    /// <summary>Selects the objects of <c>make()</c>, whose list is smaller.</summary>
    private const string Made = "FROM site_frame WHERE function LIKE 'make%' AND (allocated_bytes + inherited_bytes) / max(1, allocated_blocks + inherited_blocks) >= 9000";

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void A_child_begins_with_its_parent_s_blocks_and_frees_its_own(Python python) => CheckKeep(python, "keep");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void A_child_that_CPython_does_not_know_of_begins_with_its_parent_s_blocks(Python python) => CheckKeep(python, "plain_c");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Each_generation_inherits_from_the_one_before(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "generations");
        CheckProcesses(database, 5);
        var left = TraceQuery.Rows<(long First, long Others)>(
            database, $"""
            SELECT sum((inherited_bytes + allocated_bytes - freed_bytes) * (function = 'make')) / 10000,
                   sum((inherited_bytes + allocated_bytes - freed_bytes) * (function = 'make_in_child')) / 20000 {Made}
            GROUP BY process
            """).OrderByDescending(row => row.First).ToArray();
        CollectionAssert.AreEqual(new (long, long)[] { (100, 0), (90, 10), (80, 20), (70, 30), (60, 40) }, left);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void A_child_whose_parent_is_gone_has_inherited_all_the_same(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "orphan");
        CheckProcesses(database, 3);
        var rows = Blocks(database);
        CollectionAssert.AreEquivalent(new (long, long, long)[] { (0, 100, 0), (100, 0, 0), (100, 0, 30) }, rows);
    }

    /// <summary>Forks while the clock stands still, and requires that each child begins at its own fork.</summary>
    [TestMethod]
    [DataRow("2026-01-01 00:00:00")]
    [DataRow("@2026-01-01 00:00:00 x0.000001")]
    public void Children_begin_with_their_own_fork_s_blocks_when_the_clock_stands_still(string time)
    {
        if (!File.Exists("/usr/bin/faketime"))
            throw new AssertInconclusiveException("no faketime");

        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, "faketime", "-f", time, Python.Default.Path, Alloctrace.ProgramFile("frozen_forks.py"));
        var inherited = TraceQuery.Rows<long>(
            database, "SELECT sum(inherited_blocks) FROM site_frame WHERE function = 'make' AND inherited_bytes / max(1, inherited_blocks) >= 9000 GROUP BY process ORDER BY 1");
        CollectionAssert.AreEqual(new long[] { 10, 20, 30, 40, 50, 60, 70, 80 }, inherited.Where(blocks => blocks != 0).ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Parent_and_forked_child_both_finalize(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "finalized");
        CheckProcesses(database, 2, locksMadeUnseen: python.Minor == 8 ? 1 : 0);
        CollectionAssert.AreEquivalent(new (long, long, long)[] { (0, 100, 100), (100, 0, 100) }, Blocks(database));
        Assert.AreEqual(2, TraceQuery.Single<long>(database, "SELECT count(*) FROM process WHERE ending = 'finalized'"));
        CollectionAssert.AreEqual(new long[] { 100, 100 }, TraceQuery.Rows<long>(
            database, "SELECT sum(live.bytes) / 10000 FROM live JOIN site ON site.id = live.site WHERE function = 'make' AND bytes / blocks >= 9000 GROUP BY process"));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Forks_that_do_nothing_leave_nothing(Python python)
    {
        using var folder = new TemporaryFolder();
        CheckProcesses(Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("forks.py"), "without_allocation", TestLibrary.Threads), 1);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void After_exec_nothing_is_inherited(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "exec");
        CheckProcesses(database, 2);
        Assert.AreEqual((1, 0), TraceQuery.Single<(long, long)>(
            database, "SELECT count(DISTINCT pid), (SELECT sum(inherited_blocks) FROM site) FROM process"));
        Assert.AreEqual(1, TraceQuery.Single<long>(database, "SELECT count(*) FROM process WHERE ending = 'replaced'"));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Subprocesses_begin_empty(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, "subprocess");
        var programs = TraceQuery.Single<long>(database, "SELECT count(*) FROM process WHERE command LIKE '%30_000%'");
        Assert.AreEqual(3, programs);
        TraceQuery.AssertLedger(database);
        Assert.AreEqual(0, TraceQuery.Single<long>(
            database, "SELECT sum(inherited_blocks) FROM site JOIN process ON process.id = process WHERE command LIKE '%30_000%'"));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void A_daemon_that_closed_every_descriptor_is_recorded_to_its_end(Python python)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("sessions"));
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.File("sessions") };
        python.Run([Alloctrace.ProgramFile("forks.py"), "daemon", folder.File("done")], environment: environment).Succeeded();
        var database = folder.File("trace.db");
        Alloctrace.Run("collect", "-o", database, folder.File("sessions")).Succeeded();
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.AreEqual((File.ReadAllText(folder.File("done")), 300), TraceQuery.Single<(string, long)>(
            database, "SELECT pid, sum(allocated_blocks) / 100 FROM site_frame WHERE function LIKE 'make_in_daemon%' AND allocated_bytes >= 29000 * allocated_blocks GROUP BY process"));
        Assert.AreEqual("exited", TraceQuery.Single<string>(database, $"SELECT ending FROM process WHERE pid = {File.ReadAllText(folder.File("done"))}"));
    }

    public static IEnumerable<object[]> Pools =>
        Python.OfEachVersion.SelectMany(python => ((string[])["fork", "spawn", "forkserver"]).Select(method => new object[] { python, method }));

    [TestMethod]
    [DynamicData(nameof(Pools))]
    public void Every_worker_of_a_pool_is_a_process_of_its_own(Python python, string method)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("pools.py"), method);
        TraceQuery.AssertLedger(database);
        Assert.IsGreaterThanOrEqualTo(4, TraceQuery.Single<long>(database, "SELECT count(*) FROM process"));
        var workers = TraceQuery.Rows<long>(database, "SELECT DISTINCT process FROM site_frame WHERE function LIKE 'square%' AND allocated_blocks > 0");
        Assert.IsTrue(workers.Length is >= 1 and <= 3, $"{workers.Length} workers had work");
        var inherited = TraceQuery.Rows<long>(
            database, "SELECT sum(inherited_blocks) FROM site_frame WHERE filename LIKE '%pools.py' AND function NOT LIKE 'square%' AND inherited_bytes >= 1000000 GROUP BY process");
        Assert.HasCount(method == "fork" ? 3 : 0, inherited);
    }

    private static void CheckKeep(Python python, string mode)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, mode);
        CheckProcesses(database, 2);
        CollectionAssert.AreEquivalent(new (long, long, long)[] { (0, 100, 30), (90, 20, 30) }, Blocks(database));
    }

    /// <summary>
    /// Returns the inherited, allocated and freed blocks of each process, one for each 10,000 bytes (a block of 20,000 counts as two): a
    /// small block on the same line, for a free list, does not matter.
    /// </summary>
    private static (long, long, long)[] Blocks(string database) => TraceQuery.Rows<(long, long, long)>(
        database, $"SELECT sum(inherited_bytes) / 10000, sum(allocated_bytes) / 10000, sum(freed_bytes) / 10000 {Made} GROUP BY process");

    private static string Record(TemporaryFolder folder, Python python, string mode) => Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("forks.py"), mode);

    /// <summary>
    /// Checks the number of processes, that no block is unknown, and that the end equals the inherited and allocated blocks without the
    /// freed ones.
    /// </summary>
    /// <param name="locksMadeUnseen">The number of unknown frees: locks that were made unseen (docs/exactness.md, "known limits").</param>
    private static void CheckProcesses(string database, int count, int locksMadeUnseen = 0)
    {
        TraceQuery.AssertLedger(database, locksMadeUnseen);
        TraceQuery.AssertSound(database);
        Assert.AreEqual(count, TraceQuery.Single<long>(database, "SELECT count(*) FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM site WHERE inherited_blocks + allocated_blocks < freed_blocks"));
        var ended = TraceQuery.Rows<(long Left, long Live)>(
            database, """
            SELECT (SELECT sum(inherited_bytes + allocated_bytes - freed_bytes) FROM site WHERE site.process = process.id),
                   (SELECT bytes FROM snapshot WHERE snapshot.process = process.id AND kind = 'live')
            FROM process WHERE ending <> 'finalized'
            """);
        foreach (var (left, live) in ended)
            Assert.AreEqual(left, live);
    }
}
