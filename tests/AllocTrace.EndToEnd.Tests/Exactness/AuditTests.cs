using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Compares recordings of whole single-threaded programs with an independent counting allocator. The program makes the same calls traced
/// and untraced, and the database has every call, by domain and operation, with its bytes.
/// </summary>
[TestClass]
public sealed class AuditTests
{
    /// <summary>The largest number of runs of a program in each way.</summary>
    private const int Rounds = 15;

    private const int MissedByTheAuditor = 100;

    private static readonly string[] _programs = ["imports.py", "json_rounds.py", "classes.py", "recursion.py", "failures.py", "abandoned.py", "often_collected.py"];

    private static readonly string[] _withGil = ["malloc", "pymalloc", "malloc_debug", "pymalloc_debug"];

    private static readonly string[] _mimalloc = ["mimalloc", "mimalloc_debug"];

    public static IEnumerable<object[]> Rows => Python.OfEachVersion.SelectMany(python => _programs.Select(program => new object[] { python, program }));

    [TestMethod]
    [DynamicData(nameof(Rows))]
    public void Every_call_is_recorded_and_the_program_makes_no_others(Python python, string program)
    {
        using var folder = new TemporaryFolder();
        Check(new Audit(folder, python, Path.Combine("audit", program)));
    }

    /// <summary>The values of PYTHONMALLOC that each interpreter knows, and "dev" for <c>-X dev</c>.</summary>
    public static IEnumerable<object[]> Allocators =>
        from python in Python.Corners
        from allocator in (string[])["default", "debug", "dev", .. python.IsFreeThreaded ? _mimalloc : _withGil, .. python.Minor >= 13 && !python.IsFreeThreaded ? _mimalloc : []]
        select new object[] { python, allocator };

    [TestMethod]
    [DynamicData(nameof(Allocators))]
    public void Every_call_is_recorded_by_whatever_allocator(Python python, string allocator)
    {
        using var folder = new TemporaryFolder();
        Check(new Audit(folder, python, Path.Combine("audit", "classes.py"))
        {
            Variables = allocator == "dev" ? [] : [$"PYTHONMALLOC={allocator}"],
            Options = allocator == "dev" ? ["-X", "dev"] : [],
            CounterFirst = true,
        });
    }

    /// <summary>
    /// The ways to start tracemalloc: above the hooks if the program starts it, below if the interpreter did before the hooks returned.
    /// Because its tables are by address, it takes many runs to see the same twice: one way on every version, every way on some.
    /// </summary>
    public static IEnumerable<object[]> TracemallocRows =>
        from python in Python.OfEachVersion
        from start in (string[])["program", .. Python.Corners.Contains(python) ? (string[])["variable", "option", "variable and debug"] : []]
        select new object[] { python, start };

    [TestMethod]
    [DynamicData(nameof(TracemallocRows))]
    public void Every_call_is_recorded_with_tracemalloc_started_and_stopped(Python python, string start)
    {
        using var folder = new TemporaryFolder();
        Check(new Audit(folder, python, Path.Combine("audit", "tracemalloc_turns.py"))
        {
            Variables = start switch { "variable" => ["PYTHONTRACEMALLOC=1"], "variable and debug" => ["PYTHONTRACEMALLOC=3", "PYTHONMALLOC=debug"], _ => [] },
            Options = start == "option" ? ["-X", "tracemalloc=5"] : [],
            CounterFirst = start == "variable and debug",
        });
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Every_call_is_recorded_below_a_host_s_own_allocators(Python python)
    {
        using var folder = new TemporaryFolder();
        Check(new Audit(folder, python, Path.Combine("audit", "host_layers.py")) { Arguments = [TestLibrary.HostAllocator] });
    }

    /// <summary>
    /// Compares the figures of a domain. If allocators are replaced during the start, the tracer returns some calls before the auditor, and
    /// may have more in that domain.
    /// </summary>
    private static string Exact(Audit audit, string[] figures) =>
        string.Join('\n', figures.Where(line => !audit.CounterFirst || !line.StartsWith("raw ", StringComparison.Ordinal)));

    private static long RawCalls(string[] figures) => figures.Where(line => line.StartsWith("raw ", StringComparison.Ordinal)).Sum(line => long.Parse(line.Split(' ')[2]));

    /// <summary>
    /// Compares a traced run with runs alone, and with the database. Addresses, time and pid reach a program through Python's integers and
    /// hash tables, so two runs alone can differ by a few bytes: the traced run must equal one of them. An allocation that the tracer
    /// caused would be in every traced run.
    /// </summary>
    private static void Check(Audit audit)
    {
        HashSet<string> alone = [], traced = [];
        for (var round = 0; round < Rounds && !traced.Overlaps(alone); round++)
        {
            var counted = audit.RunTraced();
            Assert.IsGreaterThan(20_000, counted.Sum(line => long.Parse(line.Split(' ')[2])));
            var recorded = audit.Recorded();
            Assert.AreEqual(Exact(audit, counted), Exact(audit, recorded), "the auditor's figures and the database's");
            if (audit.CounterFirst)
                Assert.IsTrue(RawCalls(recorded) - RawCalls(counted) is >= 0 and <= MissedByTheAuditor, $"raw: {RawCalls(counted)} calls counted, {RawCalls(recorded)} recorded");
            traced.Add(string.Join('\n', counted));
            alone.Add(string.Join('\n', audit.RunAlone()));
        }

        Assert.IsTrue(traced.Overlaps(alone), $"alone:\n{string.Join("\n\n", alone)}\n\nbelow the tracer:\n{string.Join("\n\n", traced)}");
    }
}
