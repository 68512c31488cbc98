using System.Text;
using System.Text.RegularExpressions;

using AllocTrace.Objects;
using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares holders with leaks that were planted: the path to each, and the bytes that undoing the leak frees.</summary>
[TestClass]
public sealed partial class HolderTests
{
    private static readonly string[] _leaks = ["cache", "closure", "events", "lru", "traceback", "task", "cycle", "local", "threadlocal", "threadlocals", "classattr"];

    /// <summary>The number of records of each leak.</summary>
    private const int Records = 5000;

    /// <summary>Matches text that differs between versions: not all have qualified names, and a coroutine's frame was an object once.</summary>
    [GeneratedRegex(@"\w+\.<locals>\.|\.cr_frame")]
    private static partial Regex Versions();

    public static IEnumerable<object[]> Corners => Python.Corners.Select(python => new object[] { python });

    [TestMethod]
    [DynamicData(nameof(Corners))]
    public void Planted_leaks_are_named_and_their_bytes_are_those_that_undoing_them_frees(Python python)
    {
        var lines = new StringBuilder();
        foreach (var leak in _leaks)
        {
            using var program = new ObservedProgram(python, "planted.py", environment: [("LEAK", leak), ("N", Records.ToString())]);
            var log = program.Log();
            var analysis = HeapAnalysis.Of(program.Graph(log));
            var holders = analysis.HoldersOfType(Enumerable.Range(0, analysis.Types.Count).Single(type => analysis.Types[type].FullName == "__main__.Record"));
            lines.AppendLine($"{leak}: {holders.Blocks} __main__.Record, {holders.GarbageBlocks} of them garbage, held by {holders.Dominator?.Type} {holders.Dominator?.Path}");
            foreach (var row in holders.Rows)
                lines.AppendLine($"    {row.Blocks} via {Versions().Replace(row.Path, "")}");

            // Without the GIL, each thread frees its own objects, and these four wait.
            if (leak == "threadlocals" && python.IsFreeThreaded)
                continue;

            program.Continue("DONE");
            var retained = leak == "cycle" ? analysis.Garbage.Sum(row => row.Bytes) : holders.Dominator?.Retained;
            if (retained is { } bytes)
                Assert.IsLessThan(0.005, Math.Abs(1 - (bytes / (double)(log.Bytes - program.Log().Bytes))), $"{leak}: {bytes} retained, {log.Bytes - program.Log().Bytes} freed");
        }

        Expectation.Verify("Objects/planted", Versions().Replace(lines.ToString(), ""));
    }

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Thread_locals_are_named_and_those_of_all_threads_are_one(Python python)
    {
        using var program = new ObservedProgram(python, "planted.py", environment: [("LEAK", "threadlocals"), ("N", "400")]);
        var analysis = HeapAnalysis.Of(program.Graph());
        var holders = analysis.HoldersOfType(Enumerable.Range(0, analysis.Types.Count).Single(type => analysis.Types[type].FullName == "__main__.Record"));
        Assert.AreEqual(("app.models.request thread-local rows[*]", 400), (holders.Rows[0].Path, holders.Rows[0].Blocks));
        Assert.AreEqual("app.models.request thread-locals", holders.Dominator?.Path);
    }

    /// <summary>A function's version is a number of 32 bits. The bytes behind it may be half of an address, so the two may look like one.</summary>
    [TestMethod]
    [DynamicData(nameof(Corners))]
    public void Numbers_of_functions_are_no_references(Python python)
    {
        using var program = new ObservedProgram(python, "stale_words.py");
        var analysis = HeapAnalysis.Of(program.Graph());
        var holders = analysis.HoldersOfType(Enumerable.Range(0, analysis.Types.Count).Single(type => analysis.Types[type].FullName == "__main__.Record"));
        Assert.AreEqual(("__main__.box.inner.rows[*]", 100), (holders.Rows[0].Path, holders.Rows[0].Blocks));
    }

    /// <summary>
    /// Makes a dict and a list of more entries than recursion or quadratic time could bear. ALLOCTRACE_MANY_OBJECTS sets their number.
    /// </summary>
    [TestMethod]
    [DataRow("dict", "__main__.entries", 200_000)]
    [DataRow("list", "__main__.head.next.next…", 1_000_000)]
    [DataRow("rows", "__main__.rows[*]", 200_000)]
    public void Large_containers_and_long_lists_are_no_harder_than_others(string shape, string path, int usual)
    {
        var python = Python.Installed.FirstOrDefault(python => !python.IsFreeThreaded) ?? throw new AssertInconclusiveException("needs a CPython with the GIL");
        var count = Environment.GetEnvironmentVariable("ALLOCTRACE_MANY_OBJECTS") is { } wanted ? int.Parse(wanted) : usual;
        using var program = new ObservedProgram(python, "many.py", environment: [("SHAPE", shape), ("N", count.ToString())]);
        var log = program.Log();
        var before = Environment.CpuUsage.TotalTime;
        var analysis = HeapAnalysis.Of(program.Graph(log));
        Console.WriteLine($"{shape}: {log.Blocks.Length:N0} blocks in {(Environment.CpuUsage.TotalTime - before).TotalSeconds:F2} s of CPU of all tests");
        var name = shape switch { "dict" => "builtins.dict", "list" => "__main__.Node", _ => "__main__.Row" };
        var type = Enumerable.Range(0, analysis.Types.Count).Single(type => analysis.Types[type].FullName == name);
        var holders = analysis.HoldersOfType(type);
        if (shape == "dict")
        {
            Assert.IsGreaterThan(count * 30L, analysis.HoldersOfType(type, most: int.MaxValue).Rows.Single(each => each.Path == path).Retained);
            return;
        }

        Assert.AreEqual(path, holders.Rows[0].Path);
        Assert.IsGreaterThan(shape == "rows" ? (count / 5) - 1 : count - 5, holders.Rows[0].Blocks);
        Assert.AreEqual(holders.Blocks, holders.Rows.Sum(each => each.Blocks));
    }

    [TestMethod]
    public void Private_paths_have_no_keys()
    {
        var python = Python.Installed.FirstOrDefault(python => !python.IsFreeThreaded) ?? throw new AssertInconclusiveException("needs a CPython with the GIL");
        using var program = new ObservedProgram(python, "planted.py", environment: [("LEAK", "events"), ("N", "100")]);
        var analysis = HeapAnalysis.Of(program.Graph(), isPrivate: true);
        var holders = analysis.HoldersOfType(Enumerable.Range(0, analysis.Types.Count).Single(type => analysis.Types[type].FullName == "__main__.Record"));
        Assert.AreEqual("app.models.bus.listeners[*][*].__self__.record", holders.Rows[0].Path);
    }
}
