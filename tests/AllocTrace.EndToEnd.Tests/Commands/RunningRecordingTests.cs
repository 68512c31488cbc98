using System.Diagnostics;

using AllocTrace.Testing;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>
/// Tests reports of a process that is being recorded (its PID in place of FILE): growth, peak, timeline and named snapshots so far.
/// </summary>
[TestClass]
public sealed class RunningRecordingTests
{
    [TestMethod]
    public void Reports_by_pid_have_peak_timeline_growth_and_snapshots()
    {
        using var folder = new TemporaryFolder();
        var database = folder.File("t.db");
        var start = new ProcessStartInfo(Alloctrace.Program, ["run", "-q", "-o", database, "--", Python.Default.Path, Alloctrace.ProgramFile("growing.py")]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var run = Process.Start(start)!;
        Assert.AreEqual("ready", run.StandardOutput.ReadLine());
        var pid = Command.Run("pgrep", ["-P", $"{run.Id}"]).Succeeded().Output.Trim();
        Thread.Sleep(1000);
        Alloctrace.Run("snapshot", pid, "early").Succeeded();
        Thread.Sleep(1000);

        StringAssert.Contains(Report("leaks", pid), "growing.py:11");
        StringAssert.Contains(Report("top", pid, "--view", "peak", "-n", "1"), "growing.py:6");
        StringAssert.Contains(Report("diff", pid, "--at", "early", "--at", "live", "-n", "1"), "growing.py:11");
        Assert.IsGreaterThan(10, Report("timeline", pid).Split('\n').Length);

        run.StandardInput.Close();
        Assert.IsTrue(run.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.AreEqual(0, run.ExitCode);
        StringAssert.Contains(Report("leaks", database), "growing.py:11");
        Assert.AreEqual(0, TraceQuery.Single<long>(database, "SELECT count(*) FROM loss"));
        Assert.AreEqual(0, TraceQuery.Single<long>(database, """
            SELECT count(*) FROM (
                SELECT (SELECT sum(allocated_bytes - freed_bytes) FROM slice_site JOIN slice ON slice.id = slice_site.slice WHERE site = site.id)
                       - (allocated_bytes - freed_bytes) AS difference
                FROM site)
            WHERE difference != 0
            """), "sites whose slices do not add up: reports of the running process must not disturb the replay");
    }

    private static string Report(params string[] arguments) => Alloctrace.Run(arguments).Succeeded().Output;
}
