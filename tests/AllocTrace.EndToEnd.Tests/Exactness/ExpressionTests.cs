using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares the expression that allocated with the place that Python's own parser gives it.</summary>
[TestClass]
public sealed class ExpressionTests
{
    private static readonly string _program = Alloctrace.ProgramFile("expressions.py");

    [TestMethod]
    [DynamicData(nameof(Python.Rows), typeof(Python))]
    public void Expressions_are_where_the_parser_found_them(Python python)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var output = Alloctrace.Run("run", "-q", "-o", database, "--", python.Path, _program).Succeeded().Output;
        var expected = JsonSerializer.Deserialize<Dictionary<string, long[]>>(output)!;
        Assert.HasCount(5, expected);
        foreach (var (size, place) in expected)
        {
            var found = TraceQuery.Rows<(long, long?, long?, long?)>(
                database,
                $"""
                SELECT stack.line, first_column, end_line, end_column FROM site JOIN stack ON stack.id = site.stack JOIN code ON code.id = stack.code
                LEFT JOIN site_expression ON site_expression.site = site.id
                WHERE filename LIKE '%expressions.py' AND allocated_bytes BETWEEN {size} AND {size} + 200 GROUP BY 1, 2, 3, 4
                """).Single();
            Assert.AreEqual(python.Minor >= 11 ? (place[0], place[1], place[2], place[3]) : (place[0], null, null, null), found);
        }
    }

    [TestMethod]
    public void Top_marks_the_expression()
    {
        var python = Python.Installed.FirstOrDefault(python => python.Minor >= 11);
        if (python is null)
            Assert.Inconclusive("no CPython 3.11 or later, which has columns");

        using var folder = new TemporaryFolder();
        var database = Alloctrace.Record(folder, python.Path, _program);
        var lines = Alloctrace.Run("top", database, "--filter", "*expressions.py", "-n", "0").Succeeded().Output.Split('\n');
        var source = Array.FindIndex(lines, line => line.Contains("return größe, bytes(120_000)", StringComparison.Ordinal));
        Assert.AreEqual(lines[source].IndexOf("bytes(", StringComparison.Ordinal), lines[source + 1].IndexOf('^'));
        Assert.AreEqual("bytes(120_000)".Length, lines[source + 1].Count(c => c == '^'));
        var tracebacks = Alloctrace.Run("top", database, "--filter", "*expressions.py", "-n", "0", "--group-by", "traceback").Succeeded().Output;
        StringAssert.Contains(tracebacks, "    return bytes(110_000)\n           ^^^^^^^^^^^^^^\n");
    }
}
