using System.Diagnostics;
using System.Text.Json;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Requires that <c>alloctrace run</c> hands each signal to its command once: those of other processes through us, those of the terminal
/// without us.
/// </summary>
[TestClass]
public sealed class SignalTests
{
    [TestMethod]
    [DataRow("kill", "HUP INT QUIT TERM USR1 USR2 CONT WINCH ALRM")]
    [DataRow("terminal", "INT QUIT USR2")]
    public void Command_gets_each_signal_once(string how, string signals)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var lines = Command.Run(Python.Default.Path, [Alloctrace.ProgramFile("signaled.py"), how, database, Alloctrace.Program]).Succeeded().Lines;
        var got = JsonSerializer.Deserialize<Dictionary<string, int>>(lines[0])!;
        Assert.AreEqual(string.Join(' ', signals.Split(' ').Order().Select(name => $"{name}=1")), string.Join(' ', got.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => $"{each.Key}={each.Value}")));
        Assert.AreEqual("0", lines[1], "the command's exit code");
        Assert.AreEqual("finalized", TraceQuery.Single<string>(database, "SELECT ending FROM process"));
    }

    [TestMethod]
    [DataRow("USR1", 10)]
    [DataRow("QUIT", 3)]
    public void Command_that_a_signal_ends_is_recorded_until_then(string signal, int number)
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        string[] reset = ["-c", "import os, signal, sys; [signal.signal(n, signal.SIG_DFL) for n in (signal.SIGQUIT, signal.SIGUSR1)]; os.execv(sys.argv[1], sys.argv[1:])"];
        var start = new ProcessStartInfo(Python.Default.Path, [.. reset, Alloctrace.Program, "run", "-q", "-o", database, "--", Python.Default.Path, "-c", "import time; print('ready', flush=True); time.sleep(600)"]) { RedirectStandardOutput = true };
        using var run = Process.Start(start)!;
        Assert.AreEqual("ready", run.StandardOutput.ReadLine());
        Command.Run("kill", [$"-{signal}", $"{run.Id}"]).Succeeded();
        Assert.IsTrue(run.WaitForExit(TimeSpan.FromSeconds(30)), "the signal did not come to the command");
        Assert.AreEqual(128 + number, run.ExitCode);
        Assert.AreEqual("killed", TraceQuery.Single<string>(database, "SELECT ending FROM process"));
    }
}
