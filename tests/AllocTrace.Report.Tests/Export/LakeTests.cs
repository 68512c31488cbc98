using System.Text.RegularExpressions;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;
using DuckDB.NET.Data;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Tests.Export;

/// <summary>Reads Parquet files with DuckDB.</summary>
[TestClass]
public sealed partial class LakeTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    /// <summary>Compares the rows with <c>top</c>, line by line, and with the sums of the database's tables, measure by measure.</summary>
    [TestMethod]
    public void Sums_are_those_of_the_database()
    {
        var recording = BuiltSession.Recorded(_folder.Path, calls: 5000);
        var file = _folder.File("built.parquet");
        CommandRun.Of("export", recording, "--format", "parquet", "--slices", "-o", file).Succeeded();
        foreach (var view in new[] { "live", "peak" })
            AssertLines(recording, view, Query(file, $"SELECT filename || ':' || lineno, sum(live_bytes), sum(live_blocks) FROM lake WHERE moment = '{view}' GROUP BY ALL"));

        AssertLines(recording, "total", Query(file, "SELECT filename || ':' || lineno, sum(allocated_bytes), sum(allocated_blocks) FROM lake WHERE moment = 'total' GROUP BY ALL"));
        const string Measures = "sum(allocated_bytes), sum(allocated_blocks), sum(freed_bytes), sum(freed_blocks)";
        var sums = InDatabase(recording, $"SELECT {Measures} FROM site");
        Assert.AreEqual(sums, Query(file, $"SELECT {Measures} FROM lake WHERE moment = 'total'").Single());
        Assert.AreEqual(sums, Query(file, $"SELECT {Measures} FROM lake WHERE moment = 'slice'").Single());
        Assert.AreEqual(
            InDatabase(recording, "SELECT count(*), sum(temporary_bytes), sum(temporary_blocks), min(process.started_at) / 1000 FROM site JOIN process ON process.id = site.process"),
            Query(file, "SELECT count(*), sum(temporary_bytes), sum(temporary_blocks), epoch_us(min(started_at)) FROM lake WHERE moment = 'total'").Single());
        Assert.AreEqual(
            InDatabase(recording, "SELECT thread.name, thread.os_id, domain.name, sum(allocated_bytes) FROM site JOIN thread ON thread.id = thread JOIN domain ON domain.id = domain GROUP BY 1, 2, 3 ORDER BY 4 LIMIT 1"),
            Query(file, "SELECT thread, thread_id, domain, sum(allocated_bytes) FROM lake WHERE moment = 'total' GROUP BY ALL ORDER BY 4 LIMIT 1").Single());

        // Whole stacks, those of two callers of one line apart; the empty one is there too.
        var stacks = Query(file, "SELECT array_to_string(list_transform(stack, f -> f.filename || ':' || f.lineno || ' ' || f.function), ' < ') FROM lake WHERE moment = 'total' GROUP BY ALL ORDER BY 1");
        CollectionAssert.AreEqual(
            new[]
            {
                "", "/srv/app.py:22 App.handle < /srv/app.py:40 <module>", "/srv/app.py:24 App.handle < /srv/app.py:40 <module>", "/srv/app.py:40 <module>",
                "/srv/load.py:7 load < /srv/app.py:22 App.handle < /srv/app.py:40 <module>", "/srv/load.py:9 load < /srv/app.py:22 App.handle < /srv/app.py:40 <module>",
            },
            stacks);
    }

    /// <summary>Exports named snapshots, names that need care, a stack that was not kept, and a recording with losses.</summary>
    [TestMethod]
    public void Moments_and_strange_names_arrive()
    {
        using var server = new LeakyServer();
        var file = _folder.File("leaky.parquet");
        CommandRun.Of("export", server.Path, "--format", "parquet", "--service", "shop", "--host", "web-1", "-o", file).Succeeded();
        CollectionAssert.AreEqual(new[] { "after load|9000000|900", "after login|5000000|500" }, Query(file, "SELECT moment_name, live_bytes, live_blocks FROM lake WHERE moment = 'named' ORDER BY 1"));
        CollectionAssert.AreEqual(new[] { "=cmd\x1b[2J\u009b2J\u202egnp.py|+evil|64" }, Query(file, "SELECT filename, function, live_bytes FROM lake WHERE moment = 'live' AND starts_with(filename, '=')"));
        CollectionAssert.AreEqual(new[] { "<stack not kept>|1" }, Query(file, "SELECT filename, len(stack) FROM lake WHERE moment = 'live' AND starts_with(filename, '<stack')"));
        CollectionAssert.AreEqual(new[] { "shop|web-1|4242|2023-11-14" }, Query(file, "SELECT DISTINCT service, host, pid, date FROM lake"));
        CommandRun.Of("export", server.Path, "--format", "parquet", "--filter", "leak.py:7", "-f", "-o", file).Succeeded();
        CollectionAssert.AreEqual(new[] { "7" }, Query(file, "SELECT DISTINCT lineno FROM lake"));
    }

    [TestMethod]
    public void Partitions_are_folders_that_engines_know()
    {
        using var server = new LeakyServer();
        var lake = _folder.File("lake");
        for (var i = 0; i < 2; i++)
        {
            var run = CommandRun.Of("export", server.Path, "--format", "parquet", "--partition", "--service", "shop/a b", "--host", $"web-{i}", "-o", lake);
            var file = Path.Combine(lake, "service=shop%2Fa%20b", "date=2023-11-14", $"web-{i}-trace.parquet");
            Assert.AreEqual((0, $"alloctrace: wrote {file}\n"), (run.ExitCode, run.Error));
            CollectionAssert.AreEqual(new[] { "shop/a b|2023-11-14|2" }, Query(Path.Combine(lake, "**", $"web-{i}*.parquet"), "SELECT service, date, count(*) FROM lake WHERE moment = 'named' GROUP BY ALL"));
        }

        CommandRun.Of("export", server.Path, "--format", "parquet", "--partition", "--service", "shop/a b", "--host", "web-1", "-o", lake)
            .AssertFailed(1, $"{Path.Combine(lake, "service=shop%2Fa%20b", "date=2023-11-14", "web-1-trace.parquet")} exists: give another name, or -f to replace it");
        Assert.IsEmpty(Directory.EnumerateFiles(lake, "*.part", SearchOption.AllDirectories));
    }

    /// <summary>Requires that repeated texts are numbers in the file, by DuckDB's report on its columns.</summary>
    [TestMethod]
    public void Repeating_texts_are_dictionaries()
    {
        var recording = BuiltSession.Recorded(_folder.Path, calls: 5000);
        var file = _folder.File("built.parquet");
        CommandRun.Of("export", recording, "--format", "parquet", "--slices", "-o", file).Succeeded();
        var plain = Query(file, $"SELECT path_in_schema FROM parquet_metadata('{file}') WHERE type = 'BYTE_ARRAY' AND NOT contains(encodings, 'DICTIONARY')");
        Assert.AreEqual("", string.Join(", ", plain));
        Assert.HasCount(1, Query(file, $"SELECT DISTINCT compression FROM parquet_metadata('{file}') WHERE compression = 'ZSTD'"));
    }

    [TestMethod]
    public void Queries_of_the_page_run()
    {
        var recording = BuiltSession.Recorded(_folder.Path, calls: 500);
        CommandRun.Of("export", recording, "--format", "parquet", "--partition", "--slices", "-o", _folder.File("lake"));
        var page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", "lake.md"));
        var queries = SqlBlock().Matches(page).Select(match => match.Groups[1].Value).ToArray();
        Assert.HasCount(5, queries);
        foreach (var query in queries)
            Assert.IsNotEmpty(Query(Path.Combine(_folder.File("lake"), "**", "*.parquet"), query), query);
    }

    [TestMethod]
    [DataRow("--partition", "--partition needs --format parquet")]
    [DataRow("--format parquet -o -", "parquet is written to a file: give -o FILE")]
    [DataRow("--format parquet --view peak", "parquet has a row for each site and moment: --view and --at have no meaning for it")]
    public void Options_that_do_not_fit_are_one_line(string line, string message)
    {
        using var server = new LeakyServer();
        string[] output = line.Contains("-o", StringComparison.Ordinal) ? [] : ["-o", _folder.File("x")];
        CommandRun.Of(["export", server.Path, .. line.Split(' '), .. output]).AssertFailed(2, message);
    }

    private static void AssertLines(string recording, string view, string[] rows)
    {
        foreach (var (measure, column) in new[] { ("size", 1), ("count", 2) })
        {
            var found = rows.Select(row => row.Split('|')).ToDictionary(row => row[0], row => long.Parse(row[column], System.Globalization.CultureInfo.InvariantCulture));
            Push.OtlpPushTests.AssertSame(Push.OtlpPushTests.Top(recording, view, measure), found);
        }
    }

    private static string InDatabase(string recording, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={recording};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        Assert.IsTrue(reader.Read());
        return string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(reader.GetValue));
    }

    private static string[] Query(string files, string sql)
    {
        using var connection = new DuckDBConnection("Data Source=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SET VARIABLE lake = '{files}'; CREATE VIEW lake AS SELECT * FROM read_parquet('{files}', hive_partitioning = true, hive_types_autocast = false)";
        command.ExecuteNonQuery();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(reader.GetValue)));

        return [.. rows];
    }

    [GeneratedRegex("```sql\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex SqlBlock();
}
