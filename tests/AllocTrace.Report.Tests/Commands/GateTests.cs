using AllocTrace.Analysis;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Commands;

/// <summary>Tests thresholds for CI on recordings that have too little data: exit code 5 and the reason.</summary>
[TestClass]
public sealed class GateTests
{
    [TestMethod]
    [DataRow("summary FILE --fail-above 1GiB")]
    [DataRow("top FILE --fail-above 1GiB")]
    [DataRow("leaks FILE --fail-growth 1GiB")]
    [DataRow("diff FILE FILE --fail-growth 1GiB")]
    public void Gate_that_measured_nothing_or_too_little_fails(string line)
    {
        foreach (var (gap, blocks, reason, code) in new[] { (null, 1, "stack not kept", 0), ("holds no allocations", 0, null, 5), ("is incomplete (slabs full)", 1, "slabs full", 5) })
        {
            using var trace = new TraceBuilder();
            var process = trace.Process();
            trace.Site(trace.Thread(process), "obj", trace.Stack(new Frame("a.py", 1, "f")), new MemoryAmount(1000 * blocks, blocks), live: new MemoryAmount(1000 * blocks, blocks), peak: new MemoryAmount(1000 * blocks, blocks));
            if (reason is not null)
                trace.Loss(process, reason, 5, 1, 2);

            var path = trace.Save();
            var words = line.Replace("FILE", path).Split(' ');
            var run = CommandRun.Of(words);
            var expected = gap is null ? "" : $"alloctrace: {words[^2]} cannot be checked: {path} {gap}\n";
            Assert.AreEqual((code, expected), (run.ExitCode, run.Error));
            Assert.AreEqual(0, CommandRun.Of(words[..^2]).ExitCode, "without a gate");
        }
    }

    [TestMethod]
    public void Exceeded_threshold_is_reported_although_events_were_lost()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process();
        trace.Site(trace.Thread(process), "obj", 0, new MemoryAmount(1000, 1), live: new MemoryAmount(1000, 1), peak: new MemoryAmount(1000, 1));
        trace.Loss(process, "slabs full", 5, 1, 2);
        Assert.AreEqual(4, CommandRun.Of("summary", trace.Save(), "--fail-above", "10").ExitCode);
    }
}
