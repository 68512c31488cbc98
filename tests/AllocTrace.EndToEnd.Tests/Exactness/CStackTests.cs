using System.Text.Json;

using AllocTrace.Testing;

using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares stacks of C and Python (native=stacks) with the calls in the sources of programs/c_stacks.py.</summary>
[TestClass]
public sealed class CStackTests
{
    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void C_frames_are_where_they_were_called(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python);
        var tracebacks = Alloctrace.Top(database, "-g", "traceback");

        string[] inner = ["inside", "c_root", "c_branch", "c_leaf"];
        string[] once = ["<module>", "around", "c_outer", "c_inner", .. inner], twice = ["<module>", "c_outer", "c_inner", "again", "c_outer", "c_inner", .. inner];
        Assert.AreEqual(string.Join(' ', Placed(once)), string.Join(' ', Known(Frames(tracebacks, 700_001))));
        Assert.AreEqual(string.Join(' ', Placed(twice)), string.Join(' ', Known(Frames(tracebacks, 700_002))));
        Assert.AreEqual("<module> c_root c_branch c_leaf", string.Join(' ', Known(Frames(tracebacks, 500_001))));
        Assert.AreEqual(string.Join(' ', Placed(once[..^3])), string.Join(' ', Known(Frames(tracebacks, 600_001, 600_200)))); // with the bytearray itself, and a head from 3.14 on

        // To 3.11 C's calls of the interpreter are no frames: what is outside of them is left out.
        string[] Placed(string[] frames) => python.Minor >= 12 ? frames : [.. frames.Where((frame, i) => !frame.StartsWith("c_", StringComparison.Ordinal) || i >= frames.Length - 3 && frames[^1] == "c_leaf")];
    }

    [TestMethod]
    public void C_frames_say_so_and_lines_stay_Pythons()
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, Python.Default);
        foreach (var frame in Frames(Alloctrace.Top(database, "-g", "traceback"), 700_001))
        {
            var isNative = frame.TryGetProperty("native", out var native) && native.GetBoolean();
            Assert.AreEqual(!frame.GetProperty("filename").GetString()!.EndsWith(".py", StringComparison.Ordinal), isNative);
            Assert.AreEqual(isNative, frame.GetProperty("lineno").GetInt32() == 0);
        }

        // By lines, the memory belongs to the Python line that called C; without one, to the C function.
        var lines = Alloctrace.Top(database);
        var line = lines.Single(each => each.GetProperty("size").GetInt64() == 700_001 + 700_002).GetProperty("traceback")[0];
        Assert.AreEqual("inside", line.GetProperty("function").GetString());
        Assert.IsTrue(lines.Any(each => each.GetProperty("traceback").GetArrayLength() == 1 && each.GetProperty("traceback")[0].TryGetProperty("native", out _)));
        Assert.AreEqual(2, Alloctrace.Top(database, "-g", "traceback", "--filter", "*c_callers.so", "--all-frames", "--domain", "malloc").Count(each => each.GetProperty("size").GetInt64() > 700_000));
        Assert.IsTrue(Alloctrace.Top(database, "--mine").Any(each => each.GetProperty("size").GetInt64() == 1_400_003 && each.GetProperty("traceback")[0].GetProperty("function").GetString() == "inside"));

        // The interpreter's own frames are there when they are asked for.
        var folded = Frames(Alloctrace.Top(database, "-g", "traceback"), 700_001).Length;
        Assert.IsGreaterThan(folded, Frames(Alloctrace.Top(database, "-g", "traceback", "--interpreter-frames"), 700_001).Length);
    }

    [TestMethod]
    public void Names_are_found_again_and_recordings_merged()
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, Python.Default);
        Change(database, "UPDATE code SET name = 'lost', qualname = 'lost' WHERE name = 'c_branch'; UPDATE native_code SET is_named = 0 WHERE code = (SELECT id FROM code WHERE name = 'lost')");
        StringAssert.Contains(Alloctrace.Run("symbols", database).Succeeded().Output, "got a name");
        var merged = folder.File("merged.db");
        Alloctrace.Run("merge", "-o", merged, database, database).Succeeded();
        Assert.AreEqual("<module> c_root c_branch c_leaf", string.Join(' ', Known(Frames(Alloctrace.Top(merged, "-g", "traceback"), 2 * 500_001))));
        foreach (var format in (string[])["pprof", "collapsed", "speedscope", "csv", "tracemalloc"])
            Alloctrace.Run("export", merged, "--format", format, "-o", folder.File($"out.{format}")).Succeeded();

        StringAssert.Contains(File.ReadAllText(folder.File("out.collapsed")), "[C] c_branch (c_callers.so);[C] c_leaf (c_callers.so)");
        Alloctrace.Run("flamegraph", merged, "-o", folder.File("out.html")).Succeeded();
        Alloctrace.Run("tree", merged).Succeeded();
        Alloctrace.Run("leaks", merged).Succeeded();
    }

    /// <summary>Allocates below more C frames than a walk has room for at first.</summary>
    [TestMethod]
    public void Deep_C_stacks_are_whole()
    {
        const int Depth = 7_000, Times = 30_000;
        using var folder = new TemporaryFolder();
        var database = folder.File("deep.db");
        var seconds = RecordDeep(database, Depth, Times);
        Assert.AreEqual("0 0", TraceQuery.Single<string>(database, "SELECT cut || ' ' || unplaced FROM native_stacks"));
        Assert.AreEqual(1L, TraceQuery.Single<long>(database, "SELECT count(*) FROM site WHERE allocated_blocks = 30000 AND domain = (SELECT id FROM domain WHERE name = 'malloc')"));
        Assert.IsLessThan(5, seconds);
    }

    /// <summary>
    /// Allocates below more C frames than are ever kept. Such stacks are cut and counted, and looked for again only now and then, or when
    /// the stack is much shorter: walking each took ten seconds.
    /// </summary>
    [TestMethod]
    public void C_stacks_without_room_are_counted()
    {
        const int Depth = 40_000, Times = 30_000;
        using var folder = new TemporaryFolder();
        var database = folder.File("deeper.db");
        var seconds = RecordDeep(database, Depth, Times);
        Assert.AreEqual(Times, TraceQuery.Single<long>(database, "SELECT cut FROM native_stacks"), 100);
        Assert.IsLessThan(5, seconds);
    }

    private static double RecordDeep(string database, int depth, int times)
    {
        string[] arguments = ["run", "-q", "-o", database, "--native", "stacks", "--", Python.Default.Path, Alloctrace.ProgramFile("deep_c_stacks.py"), TestLibrary.CCallers, $"{depth}", $"{times}"];
        var run = Alloctrace.Run(arguments).Succeeded();
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        return double.Parse(run.Output, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void Change(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Execute(sql);
    }

    private static string Record(TemporaryFolder folder, Python python)
    {
        var database = folder.File("t.db");
        Alloctrace.Run("run", "-q", "-o", database, "--native", "stacks", "--", python.Path, Alloctrace.ProgramFile("c_stacks.py"), TestLibrary.CCallers).Succeeded();
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.AreEqual("0 0", TraceQuery.Single<string>(database, "SELECT cut || ' ' || unplaced FROM native_stacks"));
        return database;
    }

    private static JsonElement[] Frames(JsonElement[] statistics, long size) => Frames(statistics, size, size);

    private static JsonElement[] Frames(JsonElement[] statistics, long from, long to) =>
        [.. statistics.Where(each => each.GetProperty("size").GetInt64() is var size && size >= from && size <= to).MinBy(each => each.GetProperty("size").GetInt64()).GetProperty("traceback").EnumerateArray()];

    /// <summary>The names that the program and its library define.</summary>
    private static IEnumerable<string> Known(JsonElement[] frames) =>
        frames.Select(frame => frame.GetProperty("function").GetString()!).Where(name => name is "<module>" or "around" or "again" or "inside" || name.StartsWith("c_", StringComparison.Ordinal));
}
