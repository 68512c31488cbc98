using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Storage;

namespace AllocTrace.Tests.Analysis;

/// <summary>Compares call trees, growth and series of snapshots of random recordings with plain loops over the rows.</summary>
[TestClass]
public sealed class CourseTests
{
    private const int Slices = 24;

    [TestMethod]
    public void Call_tree_equals_sums_over_tracebacks()
    {
        using var trace = new TraceBuilder();
        Fill(trace, new Random(1), out _);
        using var database = TraceDatabase.Open(trace.Save());
        var snapshot = Snapshot.Load(database, View.Total);
        var expected = new Dictionary<Traceback, (MemoryAmount All, MemoryAmount Own)>();
        foreach (var each in snapshot.Traces)
        {
            var amount = new MemoryAmount(each.Size, each.Count);
            for (var depth = 1; depth <= each.Traceback.Count; depth++)
            {
                var path = new Traceback([.. each.Traceback.Take(depth)]);
                var (all, own) = expected.GetValueOrDefault(path);
                expected[path] = (all + amount, depth == each.Traceback.Count ? own + amount : own);
            }
        }

        var found = new Dictionary<Traceback, (MemoryAmount, MemoryAmount)>();
        Visit(snapshot.CallTree().Root, []);
        CollectionAssert.AreEquivalent(expected, found);
        Assert.AreEqual(new MemoryAmount(snapshot.Bytes, snapshot.Blocks), snapshot.CallTree().Root.All);

        void Visit(CallNode node, Frame[] path)
        {
            var sizes = node.Children.Select(child => child.All.Bytes).ToArray();
            CollectionAssert.AreEqual(sizes.OrderDescending().ToArray(), sizes);
            foreach (var child in node.Children.Where(child => child.Frame is not null))
            {
                Frame[] longer = [.. path, child.Frame!.Value];
                found.Add(new Traceback(longer), (child.All, child.Own));
                Visit(child, longer);
            }
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(5)]
    [DataRow(100)]
    public void Series_equals_sums_over_slices(int periods)
    {
        using var trace = new TraceBuilder();
        Fill(trace, new Random(2), out var changes);
        using var database = TraceDatabase.Open(trace.Save());
        var series = SnapshotSeries.Read(database, database.Processes[0], periods).ToArray();
        Assert.HasCount(Math.Min(periods, Slices), series);
        var end = 0;
        foreach (var (i, period) in series.Index())
        {
            var begin = end;
            end = (i + 1) * Slices / series.Length;
            Assert.AreEqual(changes.Where(c => c.Slice >= begin && c.Slice < end).Sum(c => c.Allocated), period.Allocated.Bytes);
            Assert.AreEqual(changes.Where(c => c.Slice < end).Sum(c => c.Allocated - c.Freed), period.Alive.Bytes);
            Assert.AreEqual(end * 100, (period.Until - database.Processes[0].StartedAt).TotalMilliseconds);
        }
    }

    [TestMethod]
    public void Functions_that_moved_and_threads_of_one_name_are_compared()
    {
        using TraceBuilder oldTrace = new(firstLine: _ => 10), newTrace = new(firstLine: _ => 12);
        Save(oldTrace, 100, ["worker", "worker", "main"]);
        Save(newTrace, 150, ["main", "worker", "worker"]);
        var (old, current) = (Snapshot.Load(oldTrace.Path), Snapshot.Load(newTrace.Path));
        Assert.AreEqual((450L, 150L), current.CompareTo(old, GroupBy.Function).Select(each => (each.Size, each.SizeDiff)).Single());
        CollectionAssert.AreEqual(
            new[] { ("worker", 50L), ("worker", 50L), ("main", 50L) },
            current.CompareTo(old, GroupBy.Thread).Select(each => (each.Group.Thread!.Name, each.SizeDiff)).OrderByDescending(each => each.Name).ToArray());

        static void Save(TraceBuilder trace, long size, string[] threads)
        {
            var process = trace.Process();
            foreach (var name in threads)
                trace.Site(trace.Thread(process, name), "obj", trace.Stack(new Frame("a.py", 20, "f")), new(size, 1), live: new(size, 1));

            trace.Save();
        }
    }

    [TestMethod]
    public void Stacks_that_differ_in_nothing_that_is_shown_are_one_traceback()
    {
        var firstLine = 1;
        using var trace = new TraceBuilder(_ => firstLine++);
        var thread = trace.Thread(trace.Process());
        Frame main = new("a.py", 9, "<module>"), made = new("a.py", 5, "f"), leaf = new("b.py", 1, "g");
        var first = trace.Stack(main, made, leaf);
        var code = 100;
        trace.Execute("INSERT INTO code VALUES (?1, 'a.py', 'f', 'f', 77)", code);
        trace.Execute("INSERT INTO stack VALUES (50, 1, ?1, 5, 2)", code);
        trace.Execute("INSERT INTO stack SELECT 51, 50, code, line, 3 FROM stack WHERE id = ?1", first);
        trace.Site(thread, "obj", first, new(1, 1), live: new(1, 1));
        trace.Site(thread, "obj", 51, new(2, 1), live: new(2, 1));
        trace.Site(thread, "obj", 50, new(4, 1), live: new(4, 1));
        using var database = TraceDatabase.Open(trace.Save());
        CollectionAssert.AreEqual(
            new[] { new Statistic(4, 1, new Traceback(main, made)), new Statistic(3, 2, new Traceback(main, made, leaf)) },
            Snapshot.Load(database).Statistics(GroupBy.Traceback).ToArray());
    }

    /// <summary>Fills a recording with sites that allocate and free at random in slices of 100 ms: some grow, some do not.</summary>
    private static void Fill(TraceBuilder trace, Random random, out List<(int Slice, string Frame, long Allocated, long Freed)> changes)
    {
        changes = [];
        var process = trace.Process();
        var thread = trace.Thread(process);
        for (var slice = 1; slice <= Slices; slice++)
            trace.Execute("INSERT INTO slice VALUES (?1, ?2, ?3, ?4, 0, 0, 0, NULL)", slice, process, (slice - 1) * 100_000_000L, slice * 100_000_000L);

        for (var i = 0; i < 30; i++)
        {
            Frame[] frames = [.. Enumerable.Range(0, random.Next(3)).Select(_ => new Frame($"{random.Next(3)}.py", random.Next(1, 5), "f")), new Frame("leaf.py", i, "g")];
            var site = trace.Site(thread, "obj", trace.Stack(frames), new(1 + random.Next(1000), 1));
            var alive = 0L;
            for (var slice = 0; slice < Slices; slice++)
            {
                long allocated = random.Next(100), freed = i % 3 == 0 ? Math.Min(alive, allocated / 2) : Math.Min(alive + allocated, random.Next(110));
                alive += allocated - freed;
                trace.Execute("INSERT INTO slice_site VALUES (?1, ?2, ?3, ?3, ?4, ?4)", slice + 1, site, allocated, freed); // blocks of one byte
                changes.Add((slice, $"leaf.py:{i}", allocated, freed));
            }
        }

        // The end is after the last slice.
        trace.Execute("INSERT INTO snapshot VALUES (1000, ?1, 'live', '', ?2, 0, 0)", process, Slices * 100_000_000L);
    }
}
