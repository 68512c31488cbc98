using AllocTrace.Analysis;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Support;

/// <summary>The recording of a server that leaks sessions: two threads, four domains, a named snapshot, losses, names that need care.</summary>
internal sealed class LeakyServer : IDisposable
{
    private readonly TraceBuilder _trace = new();

    /// <param name="hasEvents">Whether it has an event log, which had no room for anything.</param>
    public LeakyServer(bool hasEvents = false)
    {
        var folder = System.IO.Path.GetDirectoryName(_trace.Path)!;
        var app = System.IO.Path.Combine(folder, "leak.py");
        File.WriteAllLines(app, Enumerable.Range(1, 40).Select(line => line == 7 ? "        self.history = bytearray(9_999)" : ""));
        File.SetLastWriteTimeUtc(app, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        var module = new Frame(app, 31, "<module>");
        var serve = new Frame(app, 24, "serve");
        var login = new Frame(app, 15, "Server.login");
        var init = new Frame(app, 7, "Session.__init__");
        var text = new Frame(app, 25, "serve.<locals>.<genexpr>");
        var ones = new Frame("/no/such/site-packages/numpy/core/numeric.py", 191, "ones");
        var evil = new Frame("=cmd\x1b[2J\u009b2J\u202egnp.py", 1, "+evil");

        var process = _trace.Process(4242, "python3 leak.py");
        int main = _trace.Thread(process, "python3", 4242), worker = _trace.Thread(process, "worker-1", 4243);
        _trace.Site(main, "raw", 0, allocated: new(50_000, 20), freed: new(10_000, 4), peak: new(40_000, 16), live: new(40_000, 16));
        var history = _trace.Site(
            main, "mem", _trace.Stack(module, serve, login, init),
            allocated: new(10_000_000, 1_000), peak: new(10_000_000, 1_000), live: new(10_000_000, 1_000));
        _trace.Site(
            main, "obj", _trace.Stack(module, serve, text),
            allocated: new(5_400_000, 100_000), freed: new(5_400_000, 100_000), temporary: new(5_300_000, 98_000));
        _trace.Site(
            worker, "389047", _trace.Stack(module, ones), allocated: new(8_000_000, 1), freed: new(8_000_000, 1), peak: new(8_000_000, 1));
        _trace.Site(
            worker, "obj", _trace.Stack(module, serve, login),
            allocated: new(64_000, 1_000), freed: new(600, 10), peak: new(63_400, 990), live: new(63_400, 990));
        _trace.Site(main, "obj", _trace.LostStack(), allocated: new(128, 2), peak: new(128, 2), live: new(128, 2));
        _trace.Site(main, "obj", _trace.Stack(evil), allocated: new(64, 1), peak: new(64, 1), live: new(64, 1));
        _trace.Named(process, "after login", history, new(5_000_000, 500));
        _trace.Named(process, "after load", history, new(9_000_000, 900));
        _trace.Execute("INSERT INTO slice VALUES (1, ?1, 500000000, 1000000000, 9000000, 900, 18103592, NULL)", process);
        _trace.Execute("INSERT INTO slice_site VALUES (1, ?1, 5000000, 500, 0, 0)", history);
        _trace.Execute("UPDATE site SET expression = ?1 WHERE id = ?2", 24 | 40 << 12, history); // "bytearray(9_999)"
        _trace.Memory(process, history);
        _trace.Loss(process, "slabs full", 345, 700_000_000, 710_000_000);
        if (hasEvents)
            _trace.FullEventLog(process, leftOut: 105_000, sinceNs: 1_000_000);

        _trace.Save();
    }

    public string Path => _trace.Path;

    /// <summary>Text without the names of temporary folders.</summary>
    public string Stable(string text) => text.Replace(System.IO.Path.GetDirectoryName(_trace.Path) + "/", "");

    public void Dispose() => _trace.Dispose();
}
