using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Tests sub-interpreters: each block has the stack and the id of the interpreter that allocated it.</summary>
[TestClass]
public sealed class InterpreterTests
{
    private static readonly string[] _kinds = ["in_turns", "shared", "own", "foreign"];

    private static readonly string _program = Alloctrace.ProgramFile("interpreters.py");

    /// <summary>The interpreters with the kinds of sub-interpreters, which can have a GIL of their own from 3.12 on.</summary>
    public static IEnumerable<object[]> Rows =>
        Python.OfEachVersion.SelectMany(python => _kinds.Where(kind => kind != "own" || python.Minor >= 12).Select(kind => new object[] { python, kind }));

    [TestMethod]
    [DynamicData(nameof(Rows))]
    public void Stacks_and_interpreters_are_those_of_sys_getframe(Python python, string kind)
    {
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string?> { ["LD_PRELOAD"] = Alloctrace.Library, ["ALLOCTRACE"] = folder.Path };
        python.Run([_program, TestLibrary.Threads, kind, folder.File("expected")], environment: environment).Succeeded();
        var expected = folder.Files("expected-*").SelectMany(File.ReadLines).Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(
            item => item[0].GetUInt64(), item => (Interpreter: item[1].GetUInt32(), Frames: string.Join('\n', item[2].EnumerateArray().Select(frame => $"{frame[0]}:{frame[1]} {frame[2]}"))));
        Assert.IsGreaterThanOrEqualTo(kind == "in_turns" ? 3 : 5, expected.Values.Select(block => block.Interpreter).Distinct().Count());

        var seen = new HashSet<ulong>();
        foreach (var (size, interpreter, stack) in RecordedStacks.Read(folder.Files("*.alloctrace").Single(), expected.ContainsKey))
        {
            Assert.AreEqual(expected[size].Frames, string.Join('\n', stack), $"block of {size} bytes");
            Assert.AreEqual(expected[size].Interpreter, interpreter, $"block of {size} bytes");
            Assert.IsTrue(seen.Add(size));
        }

        Assert.HasCount(expected.Count, seen);
    }

    [TestMethod]
    [DynamicData(nameof(Rows))]
    public void The_database_and_reports_name_them_and_the_ledger_adds_up(Python python, string kind)
    {
        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, python.Path, _program, TestLibrary.Threads, kind, folder.File("expected"));
        var numbers = folder.Files("expected-*").Select(path => long.Parse(path[(path.LastIndexOf('-') + 1)..])).Order().ToArray();
        CollectionAssert.AreEqual(numbers, TraceQuery.Rows<long>(database, "SELECT DISTINCT interpreter FROM site_frame WHERE function = 'told' ORDER BY 1"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));

        foreach (var number in numbers.Where(number => number != 0))
            Assert.Contains($", interpreter {number})", Alloctrace.Run("top", database, "--group-by", "thread", "--view", "total", "-n", "0").Succeeded().Output);

        var listed = Alloctrace.Top(database, "--group-by", "thread", "--view", "total");
        CollectionAssert.AreEquivalent(
            numbers, listed.Select(row => row.GetProperty("thread").GetProperty("interpreter").GetInt64()).Distinct().ToArray());
    }
}
