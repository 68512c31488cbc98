using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Storage;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Export;

/// <summary>Reads exports with the programs for which they are made.</summary>
[TestClass]
public sealed class RealReaderTests
{
    [TestMethod]
    [DynamicData(nameof(TracemallocReference.Pythons), typeof(TracemallocReference))]
    public void Tracemalloc_loads_the_snapshot(Python python)
    {
        using var server = new LeakyServer();
        var file = Export(server.Path, "tracemalloc");
        var loaded = TracemallocReference.Ask(python, new { load = new[] { file } }).GetProperty("loaded")[0];
        using var database = TraceDatabase.Open(server.Path);
        var snapshot = Snapshot.Load(database);

        Assert.AreEqual(4, loaded.GetProperty("limit").GetInt32());
        Assert.AreEqual(snapshot.Blocks, loaded.GetProperty("traces").GetArrayLength());
        Assert.AreEqual(snapshot.Bytes, loaded.GetProperty("traces").EnumerateArray().Sum(trace => trace[1].GetInt64()));
        CollectionAssert.AreEqual(
            snapshot.Statistics(GroupBy.Lineno).Select(statistic => statistic.ToString().Replace("<no Python frame>", "<unknown>:0")).ToArray(),
            loaded.GetProperty("lineno").EnumerateArray().Select(statistic => statistic[3].GetString()).ToArray());
        var deepest = loaded.GetProperty("traces").EnumerateArray().First(trace => trace[1].GetInt64() == 10_000)[2];
        Assert.AreEqual("31 24 15 7", string.Join(' ', deepest.EnumerateArray().Select(frame => frame[1])));
    }

    [TestMethod]
    public void Tracemalloc_knows_the_domains_and_large_sizes()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        Frame[] frames = [new("a.py", 70_000, "f"), new("é\U0001F600.py", 3, "g")];
        trace.Site(thread, "389047", trace.Stack(frames), new(5_000_000_000_000, 1), live: new(5_000_000_000_000, 1));
        trace.Site(thread, "raw", trace.Stack(frames), new(10, 3), live: new(10, 3));
        trace.Save();
        var loaded = TracemallocReference.Ask(Python.Default, new { load = new[] { Export(trace.Path, "tracemalloc") } }).GetProperty("loaded")[0];
        Assert.AreEqual(
            """[[0,3,[["a.py",70000],["é😀.py",3]]],[0,3,[["a.py",70000],["é😀.py",3]]],[0,4,[["a.py",70000],["é😀.py",3]]],[389047,5000000000000,[["a.py",70000],["é😀.py",3]]]]""",
            JsonSerializer.Serialize(loaded.GetProperty("traces")).Replace(@"\u00E9\uD83D\uDE00", "é\U0001F600"));
    }

    [TestMethod]
    public void Python_reads_the_csv()
    {
        const string script =
            """
            import csv, sys
            rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))
            print(len(rows), sum(int(row["live_bytes"]) for row in rows), sum(int(row["total_blocks"]) for row in rows))
            print([row["function"] for row in rows if row["function"].startswith(("=", "+", "-", "@"))])
            """;
        using var server = new LeakyServer();
        CollectionAssert.AreEqual(
            new[] { "7 10103592 102024", "[]" }, Python.Default.Run(["-c", script, Export(server.Path, "csv")]).Succeeded().Lines);
    }

    /// <summary>Exports many deep stacks: files that repeated them would be two hundred times as large as the database.</summary>
    [TestMethod]
    public void Csv_has_each_stack_once()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process(), "worker");
        Frame[] deep = [.. Enumerable.Range(1, 300).Select(i => new Frame($"/srv/a/folder/of/the/application/module_{i % 20}.py", i, $"function_{i % 50}"))];
        for (var i = 1; i <= 3000; i++)
            trace.Site(thread, "obj", trace.Stack([.. deep, new Frame("/srv/leaf.py", i, "leaf")]), new(i, 1), peak: new(i, 1), live: new(i, 1));

        trace.Save();
        var rows = Export(trace.Path, "csv");
        var stacks = Path.Combine(Path.GetDirectoryName(rows)!, $"{Path.GetFileNameWithoutExtension(rows)}-stacks{Path.GetExtension(rows)}");
        Assert.IsLessThan(10 * new FileInfo(trace.Path).Length, new FileInfo(rows).Length + new FileInfo(stacks).Length);
        Assert.HasCount(1 + 300 + 3000, File.ReadAllLines(stacks));
        AssertSameAsTop(trace.Path, rows, stacks);
    }

    [TestMethod]
    public void Csv_and_its_stacks_have_what_top_has()
    {
        using var server = new LeakyServer();
        var rows = Export(server.Path, "csv");
        AssertSameAsTop(server.Path, rows, Path.Combine(Path.GetDirectoryName(rows)!, $"{Path.GetFileNameWithoutExtension(rows)}-stacks{Path.GetExtension(rows)}"));
        CommandRun.Of("export", server.Path, "-o", rows).AssertFailed(1, $"{rows} exists: give another name, or -f to replace it");
        File.Delete(rows);
        Assert.AreEqual(1, CommandRun.Of("export", server.Path, "-o", rows).ExitCode, "the stacks are there");
        Assert.IsFalse(File.Exists(rows), "both, or none");
        CommandRun.Of("export", server.Path, "-f", "-o", rows).Succeeded();
    }

    /// <summary>Adds the files up by tracebacks, and compares with the sums of 'top --json'.</summary>
    private static void AssertSameAsTop(string database, string rows, string stacks)
    {
        const string script =
            """
            import csv, json, sys, collections
            read = lambda path: csv.DictReader(open(path, newline="", encoding="utf-8"))
            stacks = {"0": []}
            for row in read(sys.argv[2]):
                plain = lambda text: text[1:] if text.startswith("'") else text  # what a spreadsheet would take for a formula
                stacks[row["stack"]] = stacks[row["caller"]] + [[plain(row["filename"]), int(row["lineno"]), plain(row["function"])]]
            size = collections.defaultdict(lambda: [0, 0])
            for row in read(sys.argv[1]):
                of = size[json.dumps(stacks[row["stack"]])]
                of[0] += int(row["live_bytes"])
                of[1] += int(row["live_blocks"])
                assert stacks[row["stack"]][-1:] == ([[plain(row["filename"]), int(row["lineno"]), plain(row["function"])]] if row["filename"] else []), row
            top = {}
            for each in json.load(sys.stdin)["statistics"]:
                top[json.dumps([[f["filename"], f["lineno"], f["function"]] for f in each["traceback"]])] = [each["size"], each["count"]]
            assert {k: v for k, v in size.items() if v[1]} == top, (size, top)
            print(len(top))
            """;
        var folder = Path.GetDirectoryName(rows)!;
        var top = Path.Combine(folder, "top.json");
        File.WriteAllText(top, CommandRun.Of("top", database, "--json", "-n", "0", "-g", "traceback").Succeeded());
        var result = Command.Run("sh", ["-c", "exec \"$@\" <" + top, "sh", Python.Default.Path, "-c", script, rows, stacks]);
        Assert.IsGreaterThan(2, int.Parse(result.Succeeded().Output));
    }

    [TestMethod]
    public void Go_tool_pprof_reads_the_profile()
    {
        using var server = new LeakyServer();
        var file = Export(server.Path, "pprof");
        var top = Pprof("-top", "-unit=b", "-nodefraction=0", file);
        Assert.Contains("Type: inuse_space", top);
        Assert.Contains("100% of 10103592B total", top);
        Assert.MatchesRegex(@"10000000B 98\.97% 98\.97% 10000000B 98\.97% Session\.__init__", Spaces(top));
        Assert.Contains("<module>", top);
        Assert.Contains("<no Python frame>", top);

        var allocated = Pprof("-top", "-sample_index=alloc_objects", "-nodefraction=0", "-lines", file);
        Assert.Contains("of 102024 total", allocated);
        Assert.MatchesRegex(@"100000 98\.0.%.*serve\.<locals>\.<genexpr> .*leak\.py:25", Spaces(allocated));

        var tags = Pprof("-tags", "-sample_index=alloc_space", "-unit=b", file);
        foreach (var label in new[] { "domain", "process", "pid", "thread", "thread_id", "interpreter" })
            Assert.MatchesRegex($@"(?m)^ *{label}: Total 23514192.0B", tags);

        Assert.MatchesRegex(@"8000000.0B \(34\.02%\): numpy", Spaces(tags));
        Assert.Contains("accounting for 63400B", Pprof("-top", "-unit=b", "-tagfocus=thread=worker-1", "-nodefraction=0", file));
    }

    [TestMethod]
    public void Pprof_at_the_peak_has_the_peak()
    {
        using var server = new LeakyServer();
        Assert.Contains("100% of 18103592B total", Pprof("-top", "-unit=b", "-nodefraction=0", Export(server.Path, "pprof", "--view", "peak")));
    }

    private static string Export(string path, string format, params string[] options)
    {
        CommandRun.Of(["export", path, "--format", format, "-o", $"{path}.{format}", .. options]).Succeeded();
        return $"{path}.{format}";
    }

    private static string Pprof(params string[] arguments)
    {
        if (!ToolPath.Exists("go"))
            throw new AssertInconclusiveException("no go on this machine");

        return Command.Run("go", ["tool", "pprof", .. arguments]).Succeeded().Output;
    }

    private static string Spaces(string text) => System.Text.RegularExpressions.Regex.Replace(text, " +", " ");
}
