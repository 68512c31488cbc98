using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// The sample's Dockerfile, line by line, in a sandbox instead of an image: the files are where COPY puts them, there is nothing else but /usr, and the
/// command is the one that a container would run.
/// </summary>
[TestClass]
public sealed class DockerfileTests
{
    private static readonly string[] _root = ["--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"];

    [TestMethod]
    public void Container_records_its_program()
    {
        if (!File.Exists("/usr/bin/bwrap") || !File.Exists("/usr/bin/python3") || Command.Run("bwrap", [.. _root, "true"]).ExitCode != 0)
            Assert.Inconclusive("this needs bwrap, a python3 of the system, and namespaces");

        using var folder = new TemporaryFolder();
        var samples = Path.Combine(AppContext.BaseDirectory, "samples");
        var (root, command) = (new List<string>(_root), new List<string>());
        foreach (var line in File.ReadLines(Path.Combine(samples, "docker", "Dockerfile")).Where(line => line != "" && line[0] != '#'))
        {
            var words = line.Split(' ');
            switch (words)
            {
                case ["FROM", var image]:
                    StringAssert.Matches(image, new(@"^python:3\.(8|9|1[0-5])-slim$"));
                    break;
                case ["COPY", "alloctrace/", var target]:
                    root.AddRange(["--ro-bind", AppContext.BaseDirectory, target]);
                    break;
                case ["COPY", "--from=samples", var file, var target]:
                    root.AddRange(["--ro-bind", Path.Combine(samples, file), target]);
                    break;
                case ["ENTRYPOINT" or "CMD", ..]:
                    command.AddRange(JsonSerializer.Deserialize<string[]>(line[words[0].Length..])!);
                    break;
                default:
                    Assert.Fail($"nobody checks this line: {line}");
                    break;
            }
        }

        // The command that was built with the tests has another name than the published one.
        command[0] = command[0].Replace("/alloctrace/alloctrace", "/alloctrace/AllocTrace.Report", StringComparison.Ordinal);
        var result = Command.Run("bwrap", [.. root, "--bind", folder.Path, "/recordings", .. command]).Succeeded();
        StringAssert.Contains(result.Error, "/app/leak.py:7 Session.__init__");
        Assert.IsGreaterThanOrEqualTo(2_000, TraceQuery.Single<long>(folder.Files("*.db").Single(), "SELECT sum(allocated_blocks) FROM site_frame WHERE filename = '/app/leak.py' AND lineno = 7"));
    }
}
