using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>What tracers are known to get wrong, in one thread.</summary>
[TestClass]
public sealed class InvisibleTests
{
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Failed_allocations_are_no_blocks(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("failed_allocations.py"));
        Assert.IsLessThan(64 << 20, TraceQuery.Single<long>(database, "SELECT bytes FROM snapshot WHERE kind = 'peak'"));
        Assert.IsGreaterThan(20_000_000, TraceQuery.Single<long>(database, "SELECT sum(allocated_bytes) FROM site_frame WHERE function = 'ask'"));
        Assert.AreEqual((3_000_000, 1), TraceQuery.Single<(long, long)>(
            database, "SELECT sum(bytes), sum(blocks) FROM live WHERE function = 'grow' AND domain = 'raw' AND bytes >= 3000000"));
        TraceQuery.AssertLedger(database);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Code_objects_at_recycled_addresses_have_their_own_names(Python python) => CheckRecycledCode(python, "raw+mem+obj");

    /// <summary>Code objects die in domain obj, whichever domains are recorded.</summary>
    [TestMethod]
    [DynamicData(nameof(Python.EveryRow), typeof(Python))]
    public void Code_objects_at_recycled_addresses_have_their_own_names_when_domain_obj_is_not_recorded(Python python)
    {
        CheckRecycledCode(python, "mem");
        CheckRecycledCode(python, "raw+mem");
    }

    private static void CheckRecycledCode(Python python, string domains)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("trace.db");
        Alloctrace.Run("run", "-q", "--domains", domains, "-o", database, "--", python.Path, Alloctrace.ProgramFile("recycled_code.py")).Succeeded();
        var rows = TraceQuery.Rows<(string Function, long Bytes, long First)>(
            database, "SELECT function, max(allocated_bytes), min(lineno) FROM site_frame WHERE function LIKE 'made%' AND allocated_bytes >= 100000 GROUP BY function");
        Assert.HasCount(1000, rows);
        foreach (var (function, bytes, line) in rows)
        {
            var number = int.Parse(function["made_".Length..]);
            Assert.AreEqual(number, (bytes - 100_000) / 4096);
            Assert.AreEqual(2, line);
        }
    }

    /// <summary>A block that an extension reports is known by its domain and its address, as tracemalloc knows it; domain 0 is Python's own.</summary>
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Tracked_blocks_are_told_apart_by_domain_and_address(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, python.Path, Alloctrace.ProgramFile("tracked.py"));
        var rows = TraceQuery.Rows<(string Domain, long Bytes, long Blocks)>(
            database, "SELECT domain, sum(bytes), sum(blocks) FROM live WHERE function = 'track' AND bytes >= 100000 * blocks GROUP BY domain ORDER BY domain");
        (string, long, long)[] expected = [.. Enumerable.Range(1000, 10).Select(domain => ($"{domain}", 500_000L, 5L)), ("others", 5_000_000, 50), ("raw", 500_000, 5)];
        CollectionAssert.AreEqual(expected, rows);
        TraceQuery.AssertLedger(database);
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Errno_and_a_pending_exception_are_unchanged(Python python)
    {
        using var folder = new TemporaryFolder();
        var result = Alloctrace.Run("run", "-q", "-o", folder.File("trace.db"), "--", python.Path, Alloctrace.ProgramFile("undisturbed.py"), TestLibrary.Undisturbed);
        Assert.AreEqual("0\n", result.Succeeded().Output);
        var calls = TraceQuery.Rows<long>(
            folder.File("trace.db"), "SELECT calls FROM operation WHERE (domain, kind) IN (VALUES (0, 'malloc'), (1, 'realloc'), (2, 'calloc')) AND calls >= 20000");
        Assert.HasCount(3, calls, "the calls came by the hooks");
    }
}
