using AllocTrace.Analysis;
using AllocTrace.Report.Live;
using AllocTrace.Report.Render;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Commands;

/// <summary>Tests the report of <c>alloctrace live</c> for two live snapshots; the end-to-end tests use real processes.</summary>
[TestClass]
public sealed class LiveTests
{
    [TestMethod]
    [DataRow("Live/Size", GroupBy.Lineno, 10)]
    [DataRow("Live/Rate", GroupBy.Lineno, 2)]
    [DataRow("Live/Count", GroupBy.Function, 10)]
    [DataRow("Live/Temporary", GroupBy.Thread, 10)]
    [DataRow("Live/Process", GroupBy.Process, 10)]
    public void LiveSnapshots_are_shown_as_expected(string expectation, GroupBy groupBy, int rows)
    {
        var order = Enum.TryParse<LiveOrder>(expectation.Split('/')[1], out var named) ? named : LiveOrder.Size;
        using var before = LiveSnapshot(seconds: 2, scale: 1);
        using var now = LiveSnapshot(seconds: 4, scale: 3);
        using var otherBefore = LiveSnapshot(seconds: 1, scale: 1, pid: 4300, command: "python3 worker.py");
        using var other = LiveSnapshot(seconds: 3, scale: 2, pid: 4300, command: "python3 worker.py");
        using StringWriter data = new(), error = new();
        using var output = new Output(data, error, terminalWidth: 90);
        new LiveReport(LiveSample.Load([now.Path, other.Path], groupBy), LiveSample.Load([before.Path, otherBefore.Path], groupBy), groupBy, order).Write(new Page(output), rows);
        Expectation.Verify(expectation, data.ToString());
    }

    [TestMethod]
    public void First_picture_has_no_rates_and_losses_are_told()
    {
        using var now = LiveSnapshot(seconds: 4, scale: 3, isLossy: true);
        using StringWriter data = new(), error = new();
        using var output = new Output(data, error, terminalWidth: 60);
        new LiveReport(LiveSample.Load([now.Path], GroupBy.Lineno), null, GroupBy.Lineno, LiveOrder.Size).Write(new Page(output), 10);
        Expectation.Verify("Live/First", data.ToString());
    }

    [TestMethod]
    public void Process_that_was_not_seen_before_has_no_rate_unless_it_is_new()
    {
        using var before = LiveSnapshot(seconds: 2, scale: 1);
        using var now = LiveSnapshot(seconds: 4, scale: 3);
        using var old = LiveSnapshot(seconds: 3, scale: 2, pid: 4300);
        using var young = LiveSnapshot(seconds: 1, scale: 2, pid: 4300);
        Assert.DoesNotContain("B/s", Text(old));
        Assert.Contains("19.1 MiB/s", Text(young), "20,000,064 bytes more and 20,000,064 of the new one, in two seconds");

        string Text(TraceBuilder other)
        {
            using StringWriter data = new(), error = new();
            using var output = new Output(data, error);
            new LiveReport(LiveSample.Load([now.Path, other.Path], GroupBy.Lineno), LiveSample.Load([before.Path], GroupBy.Lineno), GroupBy.Lineno, LiveOrder.Size).Write(new Page(output), 10);
            return data.ToString();
        }
    }

    [TestMethod]
    public void Processes_that_are_not_recorded_get_a_line() => CommandRun.Of("live", $"{Environment.ProcessId}", "--once")
        .AssertFailed(ExitCode.Failed, $"process {Environment.ProcessId} is not being recorded, or its session belongs to another user");

    private static TraceBuilder LiveSnapshot(int seconds, int scale, int pid = 4242, string command = "python3 app.py", bool isLossy = false)
    {
        var trace = new TraceBuilder();
        var process = trace.Process(pid, command, ending: "running");
        trace.Execute("UPDATE process SET duration_ns = ?1", seconds * 1_000_000_000L);
        int main = trace.Thread(process, "python3", pid), worker = trace.Thread(process, "worker-1", pid + 1);
        var cache = new Frame("/srv/app/cache.py", 12, "Cache.put");
        var render = new Frame("/srv/app/views.py", 40, "render");
        trace.Site(main, "mem", trace.Stack(render, cache), allocated: new(1_000_000 * scale, 10 * scale), live: new(1_000_000 * scale, 10 * scale));
        trace.Site(worker, "obj", trace.Stack(render), allocated: new(9_000_000 * scale, 900 * scale), freed: new(9_000_000 * scale - 500, 899), temporary: new(8_000_000 * scale, 800 * scale), live: new(500, 40));
        if (scale > 1)
            trace.Site(worker, "obj", trace.Stack(new Frame("/srv/app/new.py", 1, "<module>")), allocated: new(64, 1), live: new(64, 1));

        if (isLossy)
            trace.Loss(process, "slabs full", 345, 700_000_000, 710_000_000);

        trace.Save();
        return trace;
    }
}
