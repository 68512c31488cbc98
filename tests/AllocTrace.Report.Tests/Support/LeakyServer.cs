using AllocTrace.Analysis;
using AllocTrace.Testing;

namespace AllocTrace.Report.Tests.Support;

/// <summary>The recording of a server that leaks sessions: two threads, four domains, a named snapshot, losses, names that need care.</summary>
internal sealed class LeakyServer : IDisposable
{
    private readonly TraceBuilder _trace = new();

    /// <param name="hasEvents">True to have an event log, which had no room for anything.</param>
    /// <param name="hasObjects">True to have types and holders, at the end and at two snapshots.</param>
    public LeakyServer(bool hasEvents = false, bool hasObjects = false)
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
        var raw = _trace.Site(main, "raw", 0, allocated: new(50_000, 20), freed: new(10_000, 4), peak: new(40_000, 16), live: new(40_000, 16));
        var history = _trace.Site(
            main, "mem", _trace.Stack(module, serve, login, init),
            allocated: new(10_000_000, 1_000), peak: new(10_000_000, 1_000), live: new(10_000_000, 1_000));
        _trace.Site(
            main, "obj", _trace.Stack(module, serve, text),
            allocated: new(5_400_000, 100_000), freed: new(5_400_000, 100_000), temporary: new(5_300_000, 98_000));
        _trace.Site(
            worker, "389047", _trace.Stack(module, ones), allocated: new(8_000_000, 1), freed: new(8_000_000, 1), peak: new(8_000_000, 1));
        var logins = _trace.Site(
            worker, "obj", _trace.Stack(module, serve, login),
            allocated: new(64_000, 1_000), freed: new(600, 10), peak: new(63_400, 990), live: new(63_400, 990));
        var lost = _trace.Site(main, "obj", _trace.LostStack(), allocated: new(128, 2), peak: new(128, 2), live: new(128, 2));
        var dubious = _trace.Site(main, "obj", _trace.Stack(evil), allocated: new(64, 1), peak: new(64, 1), live: new(64, 1));
        _trace.Named(process, "after login", history, new(5_000_000, 500));
        _trace.Named(process, "after load", history, new(9_000_000, 900));
        _trace.Execute("INSERT INTO slice VALUES (1, ?1, 500000000, 1000000000, 9000000, 900, 18103592, NULL)", process);
        _trace.Execute("INSERT INTO slice_site VALUES (1, ?1, 5000000, 500, 0, 0)", history);
        _trace.Execute("UPDATE site SET expression = ?1 WHERE id = ?2", 24 | 40 << 12, history); // "bytearray(9_999)"
        _trace.Memory(process, history);
        _trace.Loss(process, "slabs full", 345, 700_000_000, 710_000_000);
        if (hasEvents)
            _trace.FullEventLog(process, leftOut: 105_000, sinceNs: 1_000_000);

        if (hasObjects)
            AddObjects(process, history, logins, raw, lost, dubious);

        _trace.Save();
    }

    private void AddObjects(int process, int history, int logins, int raw, int lost, int dubious)
    {
        var live = _trace.Objects(process, "live");
        _trace.Typed(live, raw, "", "memory", new(40_000, 16), 0);
        _trace.Typed(live, history, "builtins.bytearray", "buffer", new(9_900_000, 990), 9_900_000);
        _trace.Typed(live, history, "builtins.list", "buffer", new(100_000, 10), 100_000);
        _trace.Typed(live, logins, "leak.Session", "object", new(31_700, 495), 10_063_400);
        _trace.Typed(live, logins, "builtins.dict", "object", new(31_640, 494), 31_640);
        _trace.Typed(live, logins, "builtins.dict", "free", new(60, 1), 60);
        _trace.Typed(live, lost, "builtins.str", "object", new(128, 2), 128);
        _trace.Typed(live, dubious, "=gnp\x1b[2J.\u009bType", "object", new(64, 1), 64);
        _trace.Execute("INSERT INTO object_site VALUES (?1, ?2, 10000000), (?1, ?3, 10063400), (?1, ?4, 128), (?1, ?5, 64), (?1, ?6, 0)", live, history, logins, lost, dubious, raw);
        _trace.Execute(
            """
            INSERT INTO holder VALUES
                (?1, ?2, 'leak.Session', 'leak.server.sessions[''user 1'']', 'leak.server.sessions[*]', 1, 495, 64, 20330),
                (?1, ?2, 'leak.Session', 'leak.server.sessions[*]', 'leak.server.sessions[*]', 479, 495, 30656, 9738000),
                (?1, ?2, 'leak.Session', 'thread 1: local ''session'' of serve (leak.py:24)', 'thread 1: local ''session'' of serve (leak.py:24)', 5, 495, 320, 101650),
                (?1, ?2, 'builtins.dict', 'leak.server.sessions[*].__dict__', 'leak.server.sessions[*].__dict__', 494, 494, 31640, 31640),
                (?1, ?3, '=gnp' || char(27) || '[2J.Type', '=gnp' || char(27) || '[2J', '[*]', 1, 1, 64, 64)
            """,
            live, logins, dubious);
        _trace.Execute("INSERT INTO garbage VALUES (?1, ?2, 'leak.Session', 10, 640), (?1, ?2, 'builtins.dict', 10, 560)", live, logins);
        foreach (var (name, bytes, blocks) in new[] { ("after login", 5_000_000, 500), ("after load", 9_000_000, 900) })
            _trace.Typed(_trace.Objects(process, "named", name, note: "read while the threads were held, as the process made no copy: it got no new object for 200 ms"), history, "builtins.bytearray", "buffer", new(bytes, blocks), bytes);
    }

    public string Path => _trace.Path;

    /// <summary>Replaces the names of temporary folders in a text.</summary>
    public string Stable(string text) => text.Replace(System.IO.Path.GetDirectoryName(_trace.Path) + "/", "");

    public void Dispose() => _trace.Dispose();
}
