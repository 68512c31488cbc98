using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Storage;

namespace AllocTrace.Tests.Analysis;

/// <summary>Tests totals over processes, the choice of a snapshot by name, and the function that a line shows.</summary>
[TestClass]
public sealed class TotalsTests
{
    [TestMethod]
    public void Blocks_that_forks_inherited_are_counted_once()
    {
        using var trace = new TraceBuilder();
        var stack = trace.Stack(new Frame("a.py", 1, "f"));
        int parent = trace.Process(100), first = trace.Process(200), second = trace.Process(300);
        trace.Execute("UPDATE process SET parent_pid = 100, started_at = started_at + 1 WHERE id > 1");
        trace.Site(trace.Thread(parent), "obj", stack, new(1000, 10), freed: new(400, 4), live: new(600, 6));
        Inherit(first, new(1000, 10), new(900, 9)); // the parent freed more than the child
        Inherit(second, new(1000, 10), new(700, 7));
        trace.Site(trace.Thread(second), "obj", stack, new(50, 1), live: new(50, 1)); // its own
        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database);
        Assert.AreEqual((950L, 10L), (snapshot.Bytes, snapshot.Blocks), "the most that one of them holds of the same blocks, and what is the child's own");
        StringAssert.Contains(snapshot.Notes.First(), "1300 B inherited by forked processes are counted once");
        Assert.AreEqual(900, Snapshot.Load(database, pid: 200).Bytes, "a child alone has all that it inherited");
        Assert.IsEmpty(Snapshot.Load(database, pid: 200).Notes);

        void Inherit(int process, MemoryAmount inherited, MemoryAmount live)
        {
            var site = trace.Site(trace.Thread(process), "obj", stack, new(0, 0), freed: new(inherited.Bytes - live.Bytes, inherited.Blocks - live.Blocks), live: live);
            trace.Execute("UPDATE site SET inherited_bytes = ?1, inherited_blocks = ?2 WHERE id = ?3", inherited.Bytes, inherited.Blocks, site);
        }
    }

    [TestMethod]
    [DataRow(0L, null, "peaks of 2 processes are added up, each at its own time")]
    [DataRow(9_000_000_000L, "2 processes that did not all live at the same time are added up", "peaks of 2 processes that did not all live at the same time are added up")]
    public void Processes_that_did_not_live_together_are_named(long later, string? live, string peak)
    {
        using var trace = new TraceBuilder();
        foreach (var pid in (int[])[100, 200])
            trace.Site(trace.Thread(trace.Process(pid)), "obj", 0, new(10, 1), peak: new(10, 1), live: new(10, 1));

        trace.Execute("UPDATE process SET started_at = started_at + ?1 WHERE id = 2", later);
        using var database = TraceDatabase.Open(trace.Save());
        StringAssert.StartsWith(Snapshot.Load(database, View.Peak).Notes.Single(), peak);
        if (live is null)
            Assert.IsEmpty(Snapshot.Load(database).Notes);
        else
            StringAssert.StartsWith(Snapshot.Load(database).Notes.Single(), live);
    }

    [TestMethod]
    public void Snapshots_of_one_name_are_told_apart()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process();
        var site = trace.Site(trace.Thread(process), "obj", 0, new(100, 1), live: new(100, 1));
        for (var i = 1; i <= 2; i++)
        {
            trace.Execute("INSERT INTO snapshot VALUES (?1, ?2, 'named', 'round', ?3, ?4, 1)", 10 + i, process, i * 1_000_000_000L, i * 10);
            trace.Execute("INSERT INTO snapshot_site VALUES (?1, ?2, ?3, 1)", 10 + i, site, i * 10);
        }

        using var database = TraceDatabase.Open(trace.Save());
        var last = Snapshot.LoadAt(database, "round");
        Assert.AreEqual((20L, "process 100 has 2 snapshots named 'round': this is the last, at 2.00 s; 'round#1' is the first, at 1.00 s"), (last.Bytes, last.Notes.Single()));
        Assert.AreEqual(10, Snapshot.LoadAt(database, "round#1").Bytes);
        Assert.IsEmpty(Snapshot.LoadAt(database, "round#1").Notes);
        Assert.ThrowsExactly<ArgumentException>(() => Snapshot.LoadAt(database, "round#3"));
    }

    [TestMethod]
    public void A_line_shows_the_function_that_has_most_of_it()
    {
        using TraceBuilder oldTrace = Shared(scale: 1), trace = Shared(scale: 2);
        Snapshot old = Snapshot.Load(oldTrace.Path), snapshot = Snapshot.Load(trace.Path);
        Assert.AreEqual("S.__init__", snapshot.Statistics(GroupBy.Lineno).Single().Traceback.Newest!.Value.Function);
        Assert.AreEqual("<module>", snapshot.Statistics(GroupBy.Lineno, Cumulation.OncePerTrace).Single().Traceback.Newest!.Value.Function, "with all that it calls, the outermost has most");
        Assert.AreEqual("S.__init__", snapshot.CompareTo(old, GroupBy.Lineno).Single().Traceback.Newest!.Value.Function);

        static TraceBuilder Shared(long scale)
        {
            var trace = new TraceBuilder();
            var thread = trace.Thread(trace.Process());
            Frame module = new("a.py", 1, "<module>"), body = new("a.py", 1, "S"), init = new("a.py", 1, "S.__init__");
            foreach (var (size, frames) in ((long, Frame[])[])[(10, [module]), (20, [module, body]), (500, [module, init])])
                trace.Site(thread, "obj", trace.Stack(frames), new(size * scale, 1), live: new(size * scale, 1));

            trace.Save();
            return trace;
        }
    }

    [TestMethod]
    public void Own_code_gets_what_it_calls()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        Frame app = new("/srv/app/main.py", 3, "main"), library = new("/usr/lib/python3.11/json/decoder.py", 9, "decode"), package = new("/srv/venv/lib/python3.11/site-packages/x/y.py", 2, "g");
        Frame frozen = new("<frozen importlib._bootstrap>", 1, "_find_and_load"), callback = new("/srv/app/hooks.py", 5, "hook");
        trace.Site(thread, "obj", trace.Stack(app, library), new(10, 1), live: new(10, 1));
        trace.Site(thread, "obj", trace.Stack(app, package, callback), new(20, 1), live: new(20, 1));
        trace.Site(thread, "obj", trace.Stack(app, package, callback, library), new(30, 1), live: new(30, 1));
        trace.Site(thread, "obj", trace.Stack(frozen), new(5, 1), live: new(5, 1));
        var lines = Snapshot.Load(trace.Save()).AttributeToOwnCode().Statistics(GroupBy.Lineno).Select(line => (line.Traceback.Newest?.Filename, line.Size)).ToArray();
        CollectionAssert.AreEqual(new (string?, long)[] { ("/srv/app/hooks.py", 50), ("/srv/app/main.py", 10), (null, 5) }, lines);
    }
}
