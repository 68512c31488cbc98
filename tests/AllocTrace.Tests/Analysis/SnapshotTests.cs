using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Storage;

namespace AllocTrace.Tests.Analysis;

[TestClass]
public sealed class SnapshotTests
{
    private static readonly Frame _main = new("app.py", 1, "<module>");
    private static readonly Frame _walk = new("app.py", 5, "walk");
    private static readonly Frame _leaf = new("lib.py", 9, "leaf");

    [TestMethod]
    public void Each_view_counts_its_own()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process();
        var site = trace.Site(
            trace.Thread(process), "obj", trace.Stack(_main), allocated: new(100, 10), temporary: new(20, 2), peak: new(60, 6), live: new(30, 3));
        trace.Named(process, "after start", site, new(50, 5));
        using var database = TraceDatabase.Open(trace.Save());

        Assert.AreEqual((100, 10), Amount(Snapshot.Load(database, View.Total)));
        Assert.AreEqual((20, 2), Amount(Snapshot.Load(database, View.Temporary)));
        Assert.AreEqual((60, 6), Amount(Snapshot.Load(database, View.Peak)));
        Assert.AreEqual((30, 3), Amount(Snapshot.Load(database, View.Live)));
        Assert.AreEqual((50, 5), Amount(Snapshot.LoadAt(database, "after start")));
    }

    [TestMethod]
    [DataRow(1L << 62, 1L << 62)]
    [DataRow(5, -4)]
    public void Sizes_that_cannot_be_are_refused(long one, long other)
    {
        using var trace = new TraceBuilder();
        var (first, second) = (trace.Process(), trace.Process(101));
        trace.Site(trace.Thread(first), "obj", trace.Stack(_main), allocated: new(one, 1));
        trace.Site(trace.Thread(second), "obj", trace.Stack(_main), allocated: new(other, 1));
        using var database = TraceDatabase.Open(trace.Save());
        StringAssert.Contains(Assert.ThrowsExactly<InvalidTraceException>(() => Snapshot.Load(database, View.Total)).Message, "damaged: its sizes");
    }

    [TestMethod]
    public void Unknown_name_is_an_error_that_lists_the_names()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process();
        trace.Named(process, "after start", trace.Site(trace.Thread(process), "obj", 0, new(1, 1)), new(1, 1));
        using var database = TraceDatabase.Open(trace.Save());

        var e = Assert.ThrowsExactly<ArgumentException>(() => Snapshot.LoadAt(database, "before"));
        Assert.EndsWith("no snapshot 'before'; there is 'after start'", e.Message);
    }

    [TestMethod]
    public void Name_used_twice_means_the_last_moment()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process();
        var site = trace.Site(trace.Thread(process), "obj", 0, new(9, 9));
        for (var size = 1; size <= 2; size++)
        {
            trace.Execute("INSERT INTO snapshot VALUES (?1, ?2, 'named', 'x', ?1, ?1, 1)", size, process);
            trace.Execute("INSERT INTO snapshot_site VALUES (?1, ?2, ?1, 1)", size, site);
        }

        using var database = TraceDatabase.Open(trace.Save());
        Assert.AreEqual((2, 1), Amount(Snapshot.LoadAt(database, "x")));
    }

    [TestMethod]
    public void Processes_add_up_unless_one_is_asked_for()
    {
        using var trace = new TraceBuilder();
        int first = trace.Process(pid: 10), second = trace.Process(pid: 20);
        trace.Site(trace.Thread(first), "obj", trace.Stack(_main), new(1, 1), live: new(1, 1));
        trace.Site(trace.Thread(second), "obj", trace.Stack(_main), new(4, 2), live: new(4, 2));
        using var database = TraceDatabase.Open(trace.Save());

        Assert.AreEqual((5, 3), Amount(Snapshot.Load(database)));
        Assert.AreEqual((4, 2), Amount(Snapshot.Load(database, pid: 20)));
        Assert.AreEqual((4, 2), Amount(Snapshot.Load(database, View.Total, pid: 20)));
        var e = Assert.ThrowsExactly<ArgumentException>(() => Snapshot.Load(database, pid: 30));
        Assert.EndsWith("no process 30; there is 10, 20", e.Message);
        CollectionAssert.AreEqual(
            new[] { (4L, 20L), (1L, 10L) },
            Snapshot.Load(database).Statistics(GroupBy.Process).Select(s => (s.Size, s.Process!.Pid)).ToArray());
    }

    [TestMethod]
    public void Lines_shared_by_functions_are_one_group()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        Live(trace, thread, new(10, 1), new Frame("a.py", 3, "f"));
        Live(trace, thread, new(20, 1), new Frame("a.py", 3, "f.<locals>.<lambda>"));
        using var database = TraceDatabase.Open(trace.Save());

        var line = Snapshot.Load(database).Statistics(GroupBy.Lineno).Single();
        Assert.AreEqual(new Statistic(30, 2, new Traceback(new Frame("a.py", 3, "f.<locals>.<lambda>"))), line, "the one with more gives the name");
        Assert.HasCount(2, Snapshot.Load(database).Statistics(GroupBy.Function));
    }

    [TestMethod]
    public void Functions_of_one_name_are_told_apart_by_where_they_begin()
    {
        using var trace = new TraceBuilder(firstLine: frame => frame.LineNumber / 10 * 10);
        var thread = trace.Thread(trace.Process());
        Live(trace, thread, new(1, 1), new Frame("a.py", 11, "<lambda>"));
        Live(trace, thread, new(2, 1), new Frame("a.py", 12, "<lambda>"));
        Live(trace, thread, new(4, 1), new Frame("a.py", 21, "<lambda>"));
        using var database = TraceDatabase.Open(trace.Save());

        CollectionAssert.AreEqual(
            new[]
            {
                new Statistic(4, 1, new Traceback(new Frame("a.py", 20, "<lambda>"))),
                new Statistic(3, 2, new Traceback(new Frame("a.py", 10, "<lambda>"))),
            },
            Snapshot.Load(database).Statistics(GroupBy.Function).ToArray());
    }

    [TestMethod]
    public void Recursion_counts_once_for_a_trace_and_each_time_for_every_frame()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        Live(trace, thread, new(10, 1), _main, _walk, _walk, _walk, _leaf);
        Live(trace, thread, new(100, 1), _main, _leaf, _walk);
        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database);

        Assert.AreEqual(
            "app.py:1 110, app.py:5 110, lib.py:9 110", Sizes(snapshot.Statistics(GroupBy.Lineno, Cumulation.OncePerTrace)));
        Assert.AreEqual(
            "app.py:5 130, app.py:1 110, lib.py:9 110", Sizes(snapshot.Statistics(GroupBy.Lineno, Cumulation.OncePerFrame)));
        Assert.AreEqual("app.py:0 110, lib.py:0 110", Sizes(snapshot.Statistics(GroupBy.Filename, Cumulation.OncePerTrace)));
        Assert.ThrowsExactly<ArgumentException>(() => snapshot.Statistics(GroupBy.Traceback, Cumulation.OncePerTrace));

        static string Sizes(IEnumerable<Statistic> statistics) =>
            string.Join(", ", statistics.OrderByDescending(s => s.Size).ThenBy(s => s.Traceback).Select(s => $"{s.Traceback} {s.Size}"));
    }

    [TestMethod]
    [DataRow(Cumulation.OncePerTrace)]
    [DataRow(Cumulation.OncePerFrame)]
    public void Cumulative_statistics_equal_those_counted_trace_by_trace(Cumulation cumulation)
    {
        var random = new Random(5);
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        for (var i = 0; i < 300; i++)
        {
            var frames = Enumerable.Range(0, random.Next(8)).Select(_ => new Frame($"{random.Next(3)}.py", random.Next(4), "f"));
            Live(trace, thread, new(random.Next(100), 1 + random.Next(3)), [.. frames]);
        }

        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database);
        var expected = new Dictionary<Frame, MemoryAmount>();
        foreach (var one in snapshot.Traces)
        {
            var frames = one.Traceback.DefaultIfEmpty();
            foreach (var frame in cumulation == Cumulation.OncePerTrace ? frames.Distinct() : frames)
                expected[frame] = expected.GetValueOrDefault(frame) + new MemoryAmount(one.Size, one.Count);
        }

        CollectionAssert.AreEquivalent(
            expected.Select(pair => (pair.Key, pair.Value)).ToArray(),
            snapshot.Statistics(GroupBy.Lineno, cumulation).Select(s => (s.Traceback.Newest ?? default, new MemoryAmount(s.Size, s.Count))).ToArray());
    }

    [TestMethod]
    public void Allocations_without_frames_have_an_empty_traceback()
    {
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        Live(trace, thread, new(5, 1));
        trace.Site(thread, "obj", trace.LostStack(), new(7, 1), live: new(7, 1));
        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database);

        foreach (var groupBy in new[] { GroupBy.Lineno, GroupBy.Filename, GroupBy.Function, GroupBy.Traceback })
        {
            var statistics = snapshot.Statistics(groupBy);
            Assert.AreEqual("<stack not kept>", statistics[0].Traceback.Single().Filename);
            Assert.AreEqual(new Statistic(5, 1, Traceback.Empty), statistics[1]);
        }

        Assert.AreEqual((7, 1), Amount(snapshot.FilterTraces(new Filter(true, "*"))));
        Assert.AreEqual((5, 1), Amount(snapshot.FilterTraces(new Filter(false, "*"))));
    }

    [TestMethod]
    public void Domains_and_threads_are_groups()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process(pid: 10);
        int main = trace.Thread(process, "main"), worker = trace.Thread(process, "worker", osId: 101);
        trace.Site(main, "obj", 0, new(5, 1), live: new(5, 1));
        trace.Site(worker, "obj", 0, new(6, 1), live: new(6, 1));
        trace.Site(worker, "389047", 0, new(70, 1), live: new(70, 1));
        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database);

        CollectionAssert.AreEqual(
            new[] { ("numpy", 70L), ("obj", 11L) }, snapshot.Statistics(GroupBy.Domain).Select(s => (s.Domain!, s.Size)).ToArray());
        CollectionAssert.AreEqual(
            new[] { ("worker", 76L, 10L), ("main", 5L, 10L) },
            snapshot.Statistics(GroupBy.Thread).Select(s => (s.Thread!.Name, s.Size, s.Process!.Pid)).ToArray());
    }

    [TestMethod]
    [DataRow(GroupBy.Lineno)]
    [DataRow(GroupBy.Traceback)]
    public void Limit_gives_the_first_of_all_and_sums_up_the_others(GroupBy groupBy)
    {
        var random = new Random(6);
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        for (var i = 0; i < 200; i++)
            Live(trace, thread, new(random.Next(5), 1), new Frame("a.py", random.Next(50), "f"), new Frame("b.py", random.Next(50), "g"));

        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database);
        var all = snapshot.Statistics(groupBy);
        var some = snapshot.Statistics(groupBy, limit: 7);
        CollectionAssert.AreEqual(all.Take(7).ToArray(), some.ToArray());
        Assert.AreEqual(all.Count - 7, some.Others);
        Assert.AreEqual(all.Skip(7).Sum(s => s.Size), some.OtherBytes);
        Assert.AreEqual(all.Skip(7).Sum(s => s.Count), some.OtherBlocks);
        Assert.AreEqual(0, all.Others);
    }

    [TestMethod]
    public void Groups_of_equal_size_and_count_are_in_the_reverse_order_of_their_tracebacks()
    {
        var recursion = Enumerable.Range(1, 30).Select(depth => new Traceback([_main, .. Enumerable.Repeat(_walk, depth)])).Reverse();
        Traceback[] descending = [new(_leaf), new(_main, _leaf), .. recursion, new(_main), Traceback.Empty];
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        foreach (var traceback in descending.Order())
            Live(trace, thread, new(8, 1), [.. traceback]);

        using var database = TraceDatabase.Open(trace.Save());
        var statistics = Snapshot.Load(database).Statistics(GroupBy.Traceback);
        CollectionAssert.AreEqual(descending, statistics.Select(statistic => statistic.Traceback).ToArray());
    }

    [TestMethod]
    public void Very_deep_stacks_are_no_problem()
    {
        const int Depth = 20_000;
        using var trace = new TraceBuilder();
        var thread = trace.Thread(trace.Process());
        Live(trace, thread, new(3, 1), [.. Enumerable.Range(1, Depth).Select(line => new Frame("deep.py", line % 100, "f"))]);
        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database);

        Assert.HasCount(Depth, snapshot.Statistics(GroupBy.Traceback).Single().Traceback);
        Assert.AreEqual(3, snapshot.Statistics(GroupBy.Filename, Cumulation.OncePerTrace).Single().Size);
        Assert.AreEqual(3 * Depth, snapshot.Statistics(GroupBy.Filename, Cumulation.OncePerFrame).Single().Size);
    }

    private static (long Size, long Count) Amount(Snapshot snapshot) => (snapshot.Bytes, snapshot.Blocks);

    private static void Live(TraceBuilder trace, int thread, MemoryAmount amount, params Frame[] frames) =>
        trace.Site(thread, "obj", trace.Stack(frames), amount, live: amount);
}
