using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Storage;

namespace AllocTrace.Tests.Analysis;

/// <summary>
/// Tests courses that are not leaks, and courses that are: each row has the live bytes of a line at the end of 40 slices, one block a byte.
/// </summary>
[TestClass]
public sealed class GrowthTests
{
    private const int Slices = 40;

    [TestMethod]
    [DataRow("steady", 1.0)]
    [DataRow("first half", 1.0)]
    [DataRow("first third, then idle", 1.0)]
    [DataRow("last third", 1.0)]
    [DataRow("two bursts", 1.0)]
    [DataRow("a table, then a leak", 0.5)]
    [DataRow("a leak below what comes and goes", 1.0)]
    [DataRow("a table", 0.0)]
    [DataRow("a cache that is full early and replaces", 0.0)]
    [DataRow("one peak", 0.0)]
    [DataRow("fills and drains", 0.0)]
    [DataRow("once, at the end", 0.0)]
    [DataRow("shrinks", 0.0)]
    public void Growth_is_told_by_its_course(string course, double share)
    {
        long[] sizes = [.. Enumerable.Range(0, Slices).Select(slice => (long)Size(course, slice))];
        var isIdle = course.EndsWith("idle", StringComparison.Ordinal);
        using var trace = Trace(sizes, isIdle ? 14 : Slices, churn: course.Contains("replaces", StringComparison.Ordinal) ? 30_000 : 0);
        using var database = TraceDatabase.Open(trace.Save());
        var growing = GrowthSeries.OfTime(database, database.Processes[0], GroupBy.Lineno, []).Growing(least: 1);
        Assert.AreEqual((long)(share * 40_000), growing.Where(growth => growth.Group.Traceback.Newest!.Value.Filename == "app.py").Sum(growth => growth.Bytes), 1500);
    }

    [TestMethod]
    public void Last_point_is_what_was_alive_when_finalization_began()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process();
        var site = trace.Site(trace.Thread(process), "obj", trace.Stack(new Frame("app.py", 1, "f")), new(10_000, 10), live: new(10_000, 10));
        for (var slice = 1; slice <= 10; slice++)
        {
            trace.Execute("INSERT INTO slice VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, NULL)", slice, process, (slice - 1) * 10_000_000, slice * 10_000_000, slice < 10 ? slice * 1000 : 0);
            trace.Execute("INSERT INTO slice_site VALUES (?1, ?2, 1000, 1, ?3, ?4)", slice, site, slice < 10 ? 0 : 10_000, slice < 10 ? 0 : 10);
        }

        trace.Execute("UPDATE snapshot SET at_ns = 95000000 WHERE kind = 'live'");
        using var database = TraceDatabase.Open(trace.Save());
        var series = GrowthSeries.OfTime(database, database.Processes[0], GroupBy.Lineno, []);
        Assert.AreEqual("0.10 s", series.Periods[^1]);
        var growth = series.Growing().Single();
        Assert.AreEqual((10_000L, 10L), (growth.Bytes, growth.Blocks));
        CollectionAssert.AreEqual(Enumerable.Range(1, 10).Select(period => period * 1000L).ToArray(), growth.BytesByPeriod.ToArray());
    }

    [TestMethod]
    public void What_a_fork_inherited_is_no_growth()
    {
        using var trace = new TraceBuilder();
        var process = trace.Process();
        var site = trace.Site(trace.Thread(process), "obj", trace.Stack(new Frame("a.py", 1, "f")), new(0, 0), live: new(51_000, 51));
        trace.Execute("UPDATE site SET inherited_bytes = 1000, inherited_blocks = 1");
        for (var slice = 1; slice <= 5; slice++)
        {
            trace.Execute("INSERT INTO slice VALUES (?1, ?2, ?3, ?4, 0, 0, 0, NULL)", slice, process, slice * 10, (slice + 1) * 10);
            trace.Execute("INSERT INTO slice_site VALUES (?1, ?2, 10000, 10, 0, 0)", slice, site);
        }

        using var database = TraceDatabase.Open(trace.Save());
        var growth = GrowthSeries.OfTime(database, database.Processes[0], GroupBy.Function, []).Growing().Single();
        CollectionAssert.AreEqual(new long[] { 11_000, 21_000, 31_000, 41_000, 51_000 }, growth.BytesByPeriod.ToArray());
        Assert.AreEqual((50_000L, 50L), (growth.Bytes, growth.Blocks));
    }

    [TestMethod]
    public void Small_growth_is_counted_apart()
    {
        using var trace = Trace([.. Enumerable.Range(0, Slices).Select(slice => 1_000_000L * slice)], Slices, churn: 0, second: slice => slice * 100L);
        using var database = TraceDatabase.Open(trace.Save());
        var series = GrowthSeries.OfTime(database, database.Processes[0], GroupBy.Lineno, []);
        var growing = series.Growing();
        Assert.AreEqual((1, 1, 390_000L), (growing.Count, growing.Smaller, growing.Threshold));
        Assert.AreEqual((2, 0), (series.Growing(least: 0).Count, series.Growing(least: 0).Smaller));
    }

    private static int Size(string course, int slice) => course switch
    {
        "steady" => 1000 * slice,
        "first half" => Math.Min(20, slice) * 2000,
        "first third, then idle" => Math.Min(13, slice) * 40_000 / 13,
        "last third" => Math.Max(0, slice - 26) * 40_000 / 13,
        "two bursts" => Math.Clamp(slice - 5, 0, 2) * 10_000 + Math.Clamp(slice - 30, 0, 2) * 10_000,
        "a table, then a leak" => (slice >= 2 ? 500_000 : 0) + (Math.Max(0, slice - 5) * 20_000 / 34),
        "a leak below what comes and goes" => 1000 * slice + ((slice + 1) % 5 * 3000),
        "a table" => Math.Min(5, slice) * 8000,
        "a cache that is full early and replaces" => Math.Min(11, slice) * 40_000 / 11,
        "one peak" => slice is > 10 and < 20 ? 40_000 : 0,
        "fills and drains" => slice % 13 * 4000,
        "once, at the end" => slice >= Slices - 2 ? 40_000 : 0,
        "shrinks" => 1000 * (Slices - slice),
        _ => throw new ArgumentOutOfRangeException(nameof(course)),
    };

    /// <summary>Makes a recording with a line of that course, and other work that frees all its blocks.</summary>
    private static TraceBuilder Trace(long[] sizes, int busy, long churn, Func<int, long>? second = null)
    {
        var trace = new TraceBuilder();
        var process = trace.Process();
        var thread = trace.Thread(process);
        int line = Site("app.py", 7), work = Site("work.py", 3), other = Site("app.py", 9);
        for (var slice = 0; slice < sizes.Length; slice++)
        {
            trace.Execute("INSERT INTO slice VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, NULL)", slice + 1, process, slice * 10_000_000L, (slice + 1) * 10_000_000L, sizes[slice]);
            var growth = sizes[slice] - (slice == 0 ? 0 : sizes[slice - 1]);
            Change(line, Math.Max(0, growth) + churn, Math.Max(0, -growth) + churn);
            if (slice < busy)
                Change(work, 200_000, 200_000);
            if (second is not null)
                Change(other, second(slice) - (slice == 0 ? 0 : second(slice - 1)), 0);

            void Change(int site, long allocated, long freed)
            {
                if (allocated + freed > 0)
                    trace.Execute("INSERT INTO slice_site VALUES (?1, ?2, ?3, ?4, ?5, ?6)", slice + 1, site, allocated, allocated / 1000, freed, freed / 1000);
            }
        }

        trace.Execute("INSERT INTO snapshot VALUES (1000, ?1, 'live', '', ?2, ?3, 0)", process, sizes.Length * 10_000_000L, sizes[^1]);
        return trace;

        int Site(string file, int number) => trace.Site(thread, "obj", trace.Stack(new Frame("main.py", 1, "<module>"), new Frame(file, number, "f")), new(1, 1));
    }
}
