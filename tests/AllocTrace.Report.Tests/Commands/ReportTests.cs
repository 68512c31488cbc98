using AllocTrace.Report.Render;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Commands;

/// <summary>Compares the output of tree, diff, timeline and leaks with expected files, and tests their thresholds.</summary>
[TestClass]
public sealed class ReportTests
{
    [TestMethod]
    [DataRow("Tree/Live", "tree")]
    [DataRow("Tree/Everything", "tree --view total --min 0 -n 0")]
    [DataRow("Tree/Cut", "tree --view total --min 0 -n 3")]
    [DataRow("Tree/Nothing", "tree --filter nothing.py")]
    [DataRow("Tree/Json", "tree --json --min 5")]
    [DataRow("Diff/Moments", "diff --at after#login --at after#load")]
    [DataRow("Diff/MomentsByTraceback", "diff --at after#login --at live -g traceback -n 2")]
    [DataRow("Diff/Json", "diff --at peak --at live --json -n 2")]
    [DataRow("Diff/Csv", "diff --at peak --at live --csv -g domain")]
    [DataRow("Timeline/OneSlice", "timeline")]
    [DataRow("Leaks/TooShort", "leaks")]
    [DataRow("Export/Collapsed", "export --format collapsed -o -")]
    [DataRow("Export/CollapsedBlocks", "export --format collapsed --by blocks --view peak --domain obj -o -")]
    public void Reports_of_a_leaky_server_are_as_expected(string expectation, string line)
    {
        using var server = new LeakyServer();
        Expectation.Verify(expectation, server.Stable(CommandRun.Of(Arguments(line, server.Path)).Succeeded()));
    }

    [TestMethod]
    [DataRow("Timeline/Marks", null, "timeline")]
    [DataRow("Timeline/Narrow", 50, "timeline")]
    [DataRow("Timeline/Wide", 150, "timeline")]
    [DataRow("Timeline/Csv", null, "timeline --csv")]
    [DataRow("Leaks/Functions", null, "leaks")]
    [DataRow("Leaks/Narrow", 60, "leaks")]
    [DataRow("Leaks/Tracebacks", null, "leaks -g traceback")]
    [DataRow("Leaks/Snapshots", null, "leaks --at round#1 --at round#2 --at round#3")]
    [DataRow("Leaks/Json", null, "leaks --json")]
    [DataRow("Leaks/SnapshotsJson", null, "leaks --json -g lineno --at round#1 --at round#2 --at round#3")]
    [DataRow("Leaks/Filtered", null, "leaks --filter cache.py")]
    [DataRow("Tree/Narrow", 50, "tree")]
    [DataRow("Tree/Wide", 150, "tree")]
    [DataRow("Diff/Narrow", 60, "diff --at round#1 --at round#3")]
    public void Reports_of_a_growing_server_are_as_expected(string expectation, int? width, string line)
    {
        using var server = new GrowingServer();
        Expectation.Verify(expectation, server.Stable(CommandRun.On(width, color: false, Arguments(line, server.Path)).Succeeded()));
    }

    [TestMethod]
    [DataRow("Sampled/Top", "top")]
    [DataRow("Sampled/Summary", "summary")]
    [DataRow("Sampled/SummaryJson", "summary --json")]
    [DataRow("Sampled/Tree", "tree")]
    [DataRow("Sampled/TreeJson", "tree --json")]
    [DataRow("Sampled/Leaks", "leaks")]
    [DataRow("Sampled/LeaksByTraceback", "leaks -g traceback")]
    [DataRow("Sampled/LeaksAtSnapshots", "leaks --at round#1 --at round#2 --at round#3")]
    [DataRow("Sampled/LeaksJson", "leaks --json")]
    [DataRow("Sampled/Diff", "diff --at round#1 --at round#3")]
    [DataRow("Sampled/DiffByTraceback", "diff --at round#1 --at round#3 -g traceback")]
    [DataRow("Sampled/DiffJson", "diff --at round#1 --at round#3 --json")]
    [DataRow("Sampled/DiffCsv", "diff --at round#1 --at round#3 --csv")]
    public void Estimates_come_with_what_they_may_be_off_by(string expectation, string line)
    {
        using var server = new GrowingServer(sampleBytes: 4096);
        Expectation.Verify(expectation, server.Stable(CommandRun.Of(Arguments(line, server.Path)).Succeeded()));
    }

    [TestMethod]
    [DataRow("Diff/Recordings", "diff OLD NEW")]
    [DataRow("Diff/RecordingsByFunction", "diff OLD NEW -g function --view total")]
    [DataRow("Diff/RecordingsByThread", "diff OLD NEW -g thread")]
    public void Differences_of_two_recordings_are_as_expected(string expectation, string line)
    {
        using GrowingServer old = new(leak: 10_000), current = new(leak: 25_000);
        var names = new Dictionary<string, string> { ["OLD"] = old.Path, ["NEW"] = current.Path };
        var text = CommandRun.Of([.. line.Split(' ').Select(word => names.GetValueOrDefault(word, word))]).Succeeded();
        Expectation.Verify(expectation, text.Replace(old.Path, "old.db").Replace(current.Path, "new.db"));
    }

    [TestMethod]
    [DataRow("tree")]
    [DataRow("timeline")]
    [DataRow("leaks")]
    public void Other_locales_get_ascii(string command)
    {
        using var server = new GrowingServer();
        using StringWriter data = new(), error = new();
        using var output = new Output(data, error) { Ascii = true };
        Assert.AreEqual(0, CommandLine.Run([command, server.Path], output));
        Assert.IsTrue(data.ToString().All(char.IsAscii), data.ToString());
        Expectation.Verify($"Ascii/{command}", server.Stable(data.ToString()));
    }

    [TestMethod]
    [DataRow("top", "--fail-above 495KiB", 0, "")]
    [DataRow("top", "--fail-above 340KiB", 4, "FILE: live: 342 KiB (350,000 B), above --fail-above 340 KiB")]
    [DataRow("top", "--fail-above 300KB --filter cache.py", 0, "")]
    [DataRow("summary", "--fail-above 0.3M", 4, "FILE: peak of process 77: 342 KiB (350,000 B), above --fail-above 307 KiB")]
    [DataRow("leaks", "--fail-growth 1G", 0, "")]
    [DataRow("leaks", "--fail-growth 100K", 4, "FILE: kept growing: 195 KiB (200,000 B), above --fail-growth 100 KiB")]
    [DataRow("diff", "--at round#1 --at round#3 --fail-growth 120000", 0, "")]
    [DataRow("diff", "--at round#1 --at round#3 --fail-growth 119999", 4, "FILE: growth: 117 KiB (120,000 B), above --fail-growth 117 KiB")]
    public void Exceeded_thresholds_are_exit_code_4(string command, string options, int exitCode, string message)
    {
        using var server = new GrowingServer();
        var run = CommandRun.Of([command, server.Path, .. Arguments("x " + options, "")[2..]]);
        Assert.AreEqual(exitCode, run.ExitCode);
        Assert.AreEqual(message == "" ? "" : $"alloctrace: {message.Replace("FILE", server.Path)}\n", run.Error);
        Assert.AreNotEqual("", run.Out);
    }

    private static string[] Arguments(string line, string path)
    {
        var words = line.Split(' ').Select(word => word.Replace('#', ' ')).ToArray();
        return [words[0], path, .. words[1..]];
    }
}
