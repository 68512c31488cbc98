using System.Diagnostics;

using AllocTrace.Analysis;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Export;

/// <summary>Writes to devices and pipes: reports write into them, databases refuse them, and nothing replaces them.</summary>
[TestClass]
public sealed class OutputTargetTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    [TestMethod]
    public void Devices_and_pipes_stay_what_they_are()
    {
        using var trace = new TraceBuilder();
        trace.Site(trace.Thread(trace.Process()), "obj", trace.Stack(new Frame("a.py", 1, "f")), new MemoryAmount(1000, 1), live: new MemoryAmount(1000, 1));
        var path = trace.Save();
        var (pipe, device, link) = ($"{path}.pipe", $"{path}.null", $"{path}.link");
        Command.Run("mkfifo", [pipe]).Succeeded();
        File.CreateSymbolicLink(link, "/dev/null");
        var hasDevice = Command.Run("mknod", [device, "c", "1", "3"]).ExitCode == 0; // wants root

        foreach (var target in new[] { pipe, link, hasDevice ? device : link })
        {
            var kind = KindOf(target);
            foreach (var command in new string[][] { ["merge", "-f", "-o", target, path], ["run", "-f", "-o", target, "--", "true"], ["collect", "-f", "-o", target, Path.GetDirectoryName(path)!] })
            {
                if (command[0] == "collect")
                    File.WriteAllText($"{path}.alloctrace", "");

                CommandRun.Of(command).AssertFailed(1, $"{target} is a device or a pipe: give a file with -o FILE.db");
            }

            using var reader = target == pipe ? Process.Start(new ProcessStartInfo("cat", [pipe]) { RedirectStandardOutput = true }) : null;
            CommandRun.Of("export", path, "--format", "collapsed", "-f", "-o", target).Succeeded();
            if (reader is not null)
                Assert.AreEqual("f (a.py:1) 1000\n", reader.StandardOutput.ReadToEnd());

            reader?.WaitForExit(_timeout);
            if (target != pipe)
                Assert.AreEqual(0, CommandRun.Of("flamegraph", path, "-f", "-o", target).ExitCode);

            Assert.AreEqual(kind, KindOf(target));
        }

        Assert.AreEqual("character special file", Command.Run("stat", ["-c", "%F", "/dev/null"]).Output.Trim());
    }

    private static string KindOf(string path) => Command.Run("stat", ["-c", "%F %i", path]).Output;
}
