using AllocTrace.Analysis;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Storage;
using AllocTrace.Testing;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Tests.Commands;

[TestClass]
public sealed class MergeTests
{
    /// <summary>Merges a recording of an earlier version, in which numpy's domain has a number.</summary>
    [TestMethod]
    public void Domain_that_has_a_name_by_now_is_one_with_that_of_an_earlier_recording()
    {
        using TraceBuilder earlier = new(), later = new();
        foreach (var (trace, domains) in new[] { (earlier, (string[])["389047"]), (later, ["numpy", "malloc"]) })
        {
            var thread = trace.Thread(trace.Process());
            foreach (var domain in domains)
                trace.Site(thread, domain, 0, new(70, 1), live: new(70, 1));
        }

        using var database = TraceDatabase.Open(Merge(earlier.Save(), later.Save()));
        CollectionAssert.AreEquivalent(
            new[] { ("numpy", 140L), ("malloc", 70L) }, Snapshot.Load(database).Statistics(GroupBy.Domain).Select(each => (each.Domain!, each.Size)).ToArray());
        Assert.AreEqual(389047, database.Domains.Single(domain => domain.Name == "numpy").Number);
    }

    [TestMethod]
    public void Merged_recording_has_what_each_had_by_process_and_all_together()
    {
        using var leaky = new LeakyServer();
        using GrowingServer first = new(10_000), second = new(25_000);
        var merged = Merge(leaky.Path, first.Path, second.Path);
        using var database = TraceDatabase.Open(merged);
        Assert.AreEqual("4242 77 77", string.Join(' ', database.Processes.Select(process => process.Pid)));
        foreach (var view in Enum.GetValues<View>())
        {
            foreach (var groupBy in new[] { GroupBy.Lineno, GroupBy.Traceback, GroupBy.Function, GroupBy.Domain })
            {
                var expected = new[] { leaky.Path, first.Path, second.Path }
                    .SelectMany(path => Snapshot.Load(path, view).Statistics(groupBy))
                    .GroupBy(statistic => (statistic.Traceback, statistic.Domain))
                    .Select(same => (same.Key, same.Sum(each => each.Size), same.Sum(each => each.Count)))
                    .ToHashSet();
                var actual = Snapshot.Load(database, view).Statistics(groupBy);
                Assert.IsTrue(expected.SetEquals(actual.Select(each => ((each.Traceback, each.Domain), each.Size, each.Count))), $"{view} {groupBy}");
                Assert.HasCount(expected.Count, actual);
            }
        }

        string[] copied = ["process", "runtime", "thread", "site", "snapshot", "snapshot_site", "slice", "slice_site", "operation", "loss"];
        foreach (var table in copied)
            Assert.AreEqual(new[] { leaky.Path, first.Path, second.Path }.Sum(path => Rows(path, table)), Rows(merged, table), table);

        CollectionAssert.AreEqual(
            Lines(CommandRun.Of("leaks", second.Path).Succeeded())[2..],
            Lines(CommandRun.Of("leaks", merged).Succeeded())[^5..]);
    }

    [TestMethod]
    [DataRow("summary")]
    [DataRow("timeline --csv")]
    [DataRow("top -g traceback --view total")]
    [DataRow("export --format csv -o -")]
    public void Reports_of_one_of_its_processes_are_those_of_its_recording(string line)
    {
        using var leaky = new LeakyServer();
        using var growing = new GrowingServer();
        var merged = Merge(growing.Path, leaky.Path);
        var words = line.Split(' ');
        Assert.AreEqual(
            Body(CommandRun.Of([words[0], leaky.Path, .. words[1..]]).Succeeded(), leaky.Path),
            Body(CommandRun.Of([words[0], merged, .. words[1..], "--process", "4242"]).Succeeded(), merged));

        static string Body(string text, string path) => text.Replace(path, "FILE");
    }

    [TestMethod]
    public void Merge_of_a_file_that_is_no_recording_leaves_nothing_behind()
    {
        using var server = new LeakyServer();
        var folder = Path.GetDirectoryName(server.Path)!;
        File.WriteAllText(Path.Combine(folder, "bad.db"), "no database");
        var before = Directory.GetFiles(folder).Order().ToArray();
        CommandRun.Of("merge", server.Path, Path.Combine(folder, "bad.db"), "-o", Path.Combine(folder, "all.db"))
            .AssertFailed(3, $"{folder}/bad.db: not an AllocTrace recording");
        CommandRun.Of("merge", server.Path, "-o", server.Path).AssertFailed(1, $"{server.Path} exists: give another name, or -f to replace it");
        CollectionAssert.AreEqual(before, Directory.GetFiles(folder).Order().ToArray());
    }

    private static string Merge(params string[] paths)
    {
        var merged = Path.Combine(Path.GetDirectoryName(paths[0])!, "merged.db");
        var run = CommandRun.Of(["merge", .. paths, "-o", merged]);
        Assert.AreEqual($"alloctrace: merged {paths.Length} processes of {paths.Length} recordings into {merged}\n", run.Error);
        Assert.AreEqual(0, run.ExitCode);
        return merged;
    }

    private static long Rows(string path, string table)
    {
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {table}";
        return (long)command.ExecuteScalar()!;
    }

    private static string[] Lines(string text) => text.TrimEnd('\n').Split('\n');
}
