using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares the live blocks at finalization, line by line, with tracemalloc in the same interpreter.</summary>
[TestClass]
public sealed class TracemallocTests
{
    /// <summary>The largest number of blocks of a marked line that free lists may move to another line.</summary>
    private const int FreeListBlocks = 8;

    [TestMethod]
    [DynamicData(nameof(Python.EveryRow), typeof(Python))]
    public void Live_bytes_and_counts_of_each_line_equal_tracemalloc_s(Python python)
    {
        using var folder = new TemporaryFolder();
        var (driver, program) = (Alloctrace.ProgramFile("driver.py"), Alloctrace.ProgramFile("survivors.py"));
        python.Run([driver, "tracemalloc", program, folder.File("expected.json")]).Succeeded();
        var expected = JsonSerializer.Deserialize<Dictionary<int, long[]>>(File.ReadAllText(folder.File("expected.json")))!;

        var database = Alloctrace.Record(folder, python.Path, driver, "plain", program, folder.File("unused.json"));
        var ours = Alloctrace.Top(database, "--filter", "*survivors.py").ToDictionary(
            s => s.GetProperty("traceback")[0].GetProperty("lineno").GetInt32(), s => new[] { s.GetProperty("size").GetInt64(), s.GetProperty("count").GetInt64() });

        var source = File.ReadAllLines(program);
        var exact = 0;
        foreach (var line in expected.Keys.Union(ours.Keys).Order())
        {
            var (theirs, mine) = (expected.GetValueOrDefault(line, [0, 0]), ours.GetValueOrDefault(line, [0, 0]));
            var reuses = source[line - 1].EndsWith("# free list", StringComparison.Ordinal) || (python.Minor <= 10 && source[line - 1].EndsWith("# frame", StringComparison.Ordinal));
            if (reuses || python.IsFreeThreaded) // docs/exactness.md, "known limits"
            {
                Assert.IsLessThanOrEqualTo(FreeListBlocks, Math.Abs(theirs[1] - mine[1]), $"line {line}");
                continue;
            }
            CollectionAssert.AreEqual(theirs, mine, $"line {line}: tracemalloc {string.Join(" in ", theirs)}, ours {string.Join(" in ", mine)}");
            exact++;
        }
        Assert.IsGreaterThanOrEqualTo(python.IsFreeThreaded ? 0 : 14, exact);
    }
}
