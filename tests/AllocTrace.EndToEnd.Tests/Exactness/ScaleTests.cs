using System.Diagnostics;
using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Tests large numbers of everything. <c>ALLOCTRACE_SCALE=long</c> means 10,000 processes and 5,000 threads (docs/reliability.md has the
/// figures); otherwise there are some hundreds.
/// </summary>
[TestClass]
public sealed class ScaleTests
{
    private static readonly string _program = Alloctrace.ProgramFile("limited.py");

    private static readonly bool _isLong = Environment.GetEnvironmentVariable("ALLOCTRACE_SCALE") == "long";

    /// <summary>Runs more threads than a collected session has slabs: each thread holds one.</summary>
    [TestMethod]
    public void Threads_that_live_at_the_same_time()
    {
        var threads = _isLong ? 5000 : 300;
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, Python.Default.Path, "-S", _program, "threads", $"{threads}");
        TraceQuery.AssertLedger(database);
        Assert.AreEqual(threads + 1, TraceQuery.Single<long>(database, "SELECT count(*) FROM thread"));
        Assert.AreEqual(10 * threads, TraceQuery.Single<long>(
            database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function LIKE 'threads%' AND allocated_bytes / allocated_blocks = 9033"));
    }

    [TestMethod]
    public void Very_many_processes_are_recorded()
    {
        var processes = _isLong ? 10_000 : 60;
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, Python.Default.Path, "-I", "-S", _program, "forks", $"{processes}");
        Assert.AreEqual(processes + 1, TraceQuery.Single<long>(database, "SELECT count(*) FROM process"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT sum(unknown_frees) FROM process"));
        Assert.AreEqual(10 * processes, TraceQuery.Single<long>(
            database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function LIKE 'forks%' AND allocated_bytes / allocated_blocks = 6033"));
    }

    /// <summary>Keeps 64 KiB of a name, and shows that the name is cut.</summary>
    [TestMethod]
    [DataRow(60_000, false)]
    [DataRow(70_000, true)]
    public void Very_long_names_are_cut_visibly(int length, bool isCut)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, Python.Default.Path, "-S", _program, "names", $"{length}");
        foreach (var letter in "ab")
        {
            var frame = LineOf($"{char.ToUpperInvariant(letter)}*", 5033);
            AssertName(frame.GetProperty("function"), letter);
            AssertName(frame.GetProperty("filename"), char.ToUpperInvariant(letter));
        }

        StringAssert.EndsWith(LineOf("file*", 7033).GetProperty("filename").GetString(), "<script>");
        if (!isCut)
            return;

        foreach (var verb in (string[])["summary", "tree"])
            Alloctrace.Run(verb, database).Succeeded();

        foreach (var format in (string[])["csv", "pprof"])
            Alloctrace.Run("export", database, "--format", format, "-o", folder.File(format)).Succeeded();

        JsonElement LineOf(string file, int size) => Alloctrace.Top(database, "--filter", file)
            .Single(line => line.GetProperty("size").GetInt64() == size).GetProperty("traceback")[0];

        void AssertName(JsonElement name, char letter)
        {
            var expected = isCut ? new string(letter, 65_525) + "…" : new string(letter, length);
            Assert.AreEqual(expected, name.GetString());
        }
    }

    /// <summary>
    /// Fills the room for stacks, 134 million in an ordinary session, and requires that every allocation counts, also without a stack.
    /// </summary>
    [TestMethod]
    public void Stacks_without_end()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var depth = _isLong ? 27 : 17;
        string[] options = _isLong ? [] : ["--limit", $"{4 << 20}"];
        Alloctrace.Run(["run", "-q", .. options, "-o", database, "--", Python.Default.Path, "-S", _program, "tree", $"{depth}"]).Succeeded();
        var blocks = 1L << depth;
        var lost = TraceQuery.Single<long>(database, "SELECT sum(events) FROM loss WHERE reason = 'stack not kept'");
        var known = TraceQuery.Single<long>(database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function = 'tree' AND allocated_bytes / allocated_blocks = 133");
        Assert.IsTrue(lost > 0 && known > 0 && known <= blocks && known + lost >= blocks, $"{known} blocks of {blocks} have a stack, {lost} have none");
        Assert.AreEqual(lost, TraceQuery.Single<long>(database, "SELECT sum(events) FROM loss"));
        TraceQuery.AssertAdds(database);
    }

    /// <summary>
    /// Fills the session, and requires that the program continues, that its memory and the file do not grow, and that losses are counted.
    /// </summary>
    [TestMethod]
    public void Code_without_end()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var rounds = _isLong ? 1_000_000 : 20_000;
        Alloctrace.Run("run", "-q", "--limit", $"{4 << 20}", "-o", database, "--", Python.Default.Path, "-S", _program, "exec", $"{rounds}").Succeeded();
        Assert.IsGreaterThan(0, TraceQuery.Single<long>(database, "SELECT sum(events) FROM loss WHERE reason = 'stack not kept'"));
        StringAssert.Contains(Alloctrace.Run("top", database).Succeeded().Output, "INCOMPLETE");
        var known = TraceQuery.Single<long>(database, "SELECT sum(allocated_blocks) FROM site_frame WHERE function LIKE 'function%' AND allocated_bytes / allocated_blocks = 133");
        var unknown = TraceQuery.Single<long>(database, "SELECT sum(allocated_blocks) FROM site JOIN stack ON stack.id = site.stack WHERE stack.id <> 0 AND stack.code IS NULL");
        Assert.IsTrue(known > 0 && known < rounds && known + unknown >= rounds, $"{known} blocks of {rounds} have a stack, {unknown} have none");
    }

    /// <summary>
    /// Requires that the cost of a program grows with its stack and its code, not with their squares, where each of these took from 15
    /// seconds to many minutes.
    /// </summary>
    [TestMethod]
    [DataRow("recursion")]
    [DataRow("beyond")]
    [DataRow("module")]
    [DataRow("functions")]
    public void Deep_stacks_and_long_code_take_no_square_of_time(string what)
    {
        var most = TimeSpan.FromSeconds(10);
        foreach (var python in Python.OfEachVersion.Where(python => python.Minor >= 11))
        {
            using var folder = new TemporaryFolder();
            var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path, ["ALLOCTRACE_OPTIONS"] = "collector=off" };
            var begun = Stopwatch.StartNew();
            python.Run([Alloctrace.ProgramFile("cliffs.py"), what], environment: environment).Succeeded();
            Assert.IsLessThan(most, begun.Elapsed, $"{python}");
        }
    }
}
