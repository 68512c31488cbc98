using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares the event log (option <c>events</c>), call by call, with the calls that an allocator of our own kept.</summary>
[TestClass]
public sealed class EventTests
{
    /// <summary>The interpreters, and one of them with few slabs, so that each slab is used many times.</summary>
    public static IEnumerable<object[]> Rows =>
        Python.Installed.Select(python => new object[] { python, Array.Empty<string>() }).Append([Python.Default, new[] { "--limit", "4194304" }]);

    [TestMethod]
    [DynamicData(nameof(Rows))]
    public void Every_call_is_in_the_log_in_order_also_of_forked_children(Python python, string[] options)
    {
        using var folder = new TemporaryFolder();
        var database = Record(folder, python, ["--events", .. options], "forking.py");

        var counted = folder.Files("calls.*").ToDictionary(file => file.Split('.')[^1], File.ReadAllLines);
        var recorded = Alloctrace.Run("export", database, "--events", "-o", "-").Succeeded().Lines.Skip(1).Select(line => line.Split(',')).ToLookup(row => row[1]);
        CollectionAssert.AreEquivalent(counted.Keys, recorded.Select(rows => rows.Key).ToArray());
        Assert.HasCount(2, counted);
        foreach (var (pid, calls) in counted)
        {
            var rows = recorded[pid].ToArray();
            Assert.IsGreaterThan(2_000, calls.Length);
            for (var i = 0; i < Math.Min(calls.Length, rows.Length); i++)
            {
                // domain operation address size old_address, of which the log does not know the size of a block from before it
                var call = calls[i].Split(' ');
                string[] row = [.. rows[i][3..6], rows[i][6] == "" ? call[3] : rows[i][6], rows[i][7] == "" ? "(nil)" : rows[i][7]];
                Assert.AreEqual(calls[i], string.Join(' ', row), $"call {i} of process {pid}");
            }

            Assert.HasCount(calls.Length, rows);
        }

        // Blocks without a size were allocated before the log of the process began.
        foreach (var rows in recorded)
        {
            var made = new HashSet<string>();
            foreach (var row in rows)
            {
                Assert.AreEqual(row[4] != "free" || made.Contains(row[5]), row[6] != "", string.Join(',', row));
                made.Add(row[5]);
            }
        }

        var (events, calls2, leftOut) = TraceQuery.Single<(long, long, long)>(
            database, "SELECT (SELECT sum(events) FROM event_log), (SELECT sum(calls) FROM operation), (SELECT sum(left_out) FROM event_log)");
        Assert.AreEqual((events, 0), (calls2, leftOut));
    }

    [TestMethod]
    public void Log_that_is_too_large_ends_and_says_so()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("trace.db");
        Alloctrace.Run("run", "-q", "--events", "1MiB", "-o", database, "--", Python.Default.Path, "-c", "for i in range(400_000): x = [bytearray(i % 5000)] * 3").Succeeded();
        var (events, leftOut, calls, bytes) = TraceQuery.Single<(long, long, long, long)>(
            database, "SELECT events, left_out, (SELECT sum(calls) FROM operation), (SELECT sum(length(content)) FROM event_block) FROM event_log");
        Assert.AreEqual(calls, events + leftOut);
        Assert.IsTrue(events > 100_000 && leftOut > 100_000 && bytes <= 1 << 20, $"{events} events in {bytes} bytes, {leftOut} left out");
        var export = Alloctrace.Run("export", database, "--events", "-o", folder.File("events.csv"));
        Assert.AreEqual(0, export.ExitCode);
        StringAssert.Contains(export.Error, "is INCOMPLETE");
        Assert.AreEqual(events + 1, File.ReadLines(folder.File("events.csv")).LongCount());
        StringAssert.Contains(Alloctrace.Run("summary", database).Succeeded().Output, "is INCOMPLETE");
    }

    [TestMethod]
    public void Program_of_the_documentation_reads_the_log()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("trace.db");
        Alloctrace.Run("run", "-q", "--events", "-o", database, "--", Python.Default.Path, "-c", "x = [bytearray(i) for i in range(30_000)]").Succeeded();
        var page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "schema.md"));
        var program = page.Split("```python\n")[1].Split("```")[0];
        var read = Python.Default.Run(["-c", program, database]).Succeeded().Lines.Select(line => line.Split(' ')).Where(words => words[4] is not ("5" or "6"));
        string[] kinds = ["", "malloc", "calloc", "realloc", "free"];
        var exported = Alloctrace.Run("export", database, "--events", "-o", "-").Succeeded().Lines.Skip(1).Select(line => line.Split(','));
        CollectionAssert.AreEqual(
            exported.Select(row => $"{row[0]} {row[4]} {row[5]} {(row[4] == "free" ? "" : row[6])}").ToArray(),
            read.Select(words => $"{words[1]} {kinds[int.Parse(words[4])]} {words[5]} {(words[4] == "4" ? "" : words[6])}").ToArray());
    }

    private static string Record(TemporaryFolder folder, Python python, string[] options, string program)
    {
        var database = folder.File("trace.db");
        var script = $"""COUNTED={folder.File("counted")} COUNTED_EVENTS={folder.File("calls")} LD_PRELOAD="$LD_PRELOAD:{TestLibrary.CountingAllocator}" exec "$@" """;
        Alloctrace.Run(["run", "-q", .. options, "-o", database, "--", "sh", "-c", script, "sh", python.Path, Alloctrace.ProgramFile(Path.Combine("audit", program))]).Succeeded();
        return database;
    }
}
