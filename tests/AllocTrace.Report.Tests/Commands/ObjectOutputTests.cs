using AllocTrace.Report.Tests.Support;

namespace AllocTrace.Report.Tests.Commands;

/// <summary>Compares the output for types and holders with expected files.</summary>
[TestClass]
public sealed class ObjectOutputTests
{
    [TestMethod]
    [DataRow("Objects/TopType", "top -g type")]
    [DataRow("Objects/TopTypeJson", "top -g type --json")]
    [DataRow("Objects/TopTypes", "top --types --retained")]
    [DataRow("Objects/TopTypesJson", "top --types --json -n 2")]
    [DataRow("Objects/TopTypeCsv", "top -g type --csv")]
    [DataRow("Objects/DiffTypes", "diff --at after#login --at after#load --types")]
    [DataRow("Objects/DiffTypesJson", "diff --at after#login --at after#load --types --json")]
    [DataRow("Objects/Leaks", "leaks --at after#login --at after#load --at live --types")]
    [DataRow("Objects/HoldersOfType", "holders Session")]
    [DataRow("Objects/HoldersOfTypePrivate", "holders leak.Session --private")]
    [DataRow("Objects/HoldersOfTypeJson", "holders leak.Session --json")]
    [DataRow("Objects/HoldersOfLine", "holders leak.py:15 -n 1")]
    [DataRow("Objects/Garbage", "holders garbage")]
    [DataRow("Objects/GarbageJson", "holders garbage --json")]
    [DataRow("Objects/Summary", "summary")]
    public void Output_in_a_pipe_is_as_expected(string expectation, string line)
    {
        using var server = new LeakyServer(hasObjects: true);
        string[] arguments = [.. line.Split(' ').Select(word => word.Replace('#', ' '))];
        var text = server.Stable(CommandRun.Of([arguments[0], server.Path, .. arguments[1..]]).Succeeded());
        if (!line.Contains("--csv", StringComparison.Ordinal)) // in a pipe, CSV is exact
            Assert.DoesNotContain("\x1b", text);

        Testing.Expectation.Verify(expectation, text);
    }

    [TestMethod]
    public void What_was_not_recorded_is_said_in_one_line()
    {
        using var without = new LeakyServer();
        const string none = "no types were recorded. Record with 'alloctrace run --objects end', or take 'alloctrace snapshot PID NAME --objects'";
        foreach (var line in (string[])["top FILE -g type", "top FILE --types", "holders FILE Session", "holders FILE garbage", "export FILE --format heapsnapshot -o -", "diff FILE --at after#login --at live --types"])
            CommandRun.Of([.. line.Split(' ').Select(word => word.Replace("FILE", without.Path).Replace('#', ' '))]).AssertFailed(ExitCode.Failed, $"{without.Path}: {none}");

        using var server = new LeakyServer(hasObjects: true);
        CommandRun.Of("holders", server.Path, "Nothing").AssertFailed(ExitCode.WrongUsage, $"{server.Path}: no live object of type Nothing: 'alloctrace top {server.Path} -g type' lists them");
        CommandRun.Of("holders", server.Path, "leak.py:3").AssertFailed(ExitCode.WrongUsage, $"{server.Path}: no live object of line leak.py:3: 'alloctrace top {server.Path} --types' lists them");
        CommandRun.Of("top", server.Path, "--types", "--view", "peak").AssertFailed(ExitCode.WrongUsage, "types are known of live blocks: --view peak has none");
        CommandRun.Of("export", server.Path, "--format", "heapsnapshot", "-o", "-").AssertFailed(ExitCode.WrongUsage, $"{server.Path}: the graph of snapshot 'live' was not kept: it has too many objects");
    }

    [TestMethod]
    public void Merged_recording_has_the_types_and_holders_of_each()
    {
        using LeakyServer first = new(hasObjects: true), second = new(hasObjects: true), without = new();
        var merged = Path.Combine(Path.GetDirectoryName(first.Path)!, "merged.db");
        Assert.AreEqual(ExitCode.Done, CommandRun.Of("merge", without.Path, first.Path, second.Path, "-o", merged).ExitCode);
        var text = CommandRun.Of("holders", merged, "leak.Session", "--json").Succeeded();
        Assert.Contains("{\"path\":\"leak.server.sessions[*]\",\"size\":61312,\"count\":958,", text);
        Assert.Contains("in 40 objects", CommandRun.Of("holders", merged, "garbage").Succeeded());
    }
}
