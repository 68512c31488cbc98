using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;

namespace AllocTrace.Tests.Storage;

/// <summary>Tests recordings that are read in several parts, by several threads.</summary>
[TestClass]
public sealed class LargeRecordingTests
{
    private const int Stacks = 200_000;

    [TestMethod]
    public void Sums_do_not_depend_on_the_parts_in_which_they_are_read()
    {
        using var trace = Large();
        using var database = TraceDatabase.Open(trace.Save());

        // By the INSERTs below: site i has i bytes in all, and every second one of them i bytes alive.
        long all = (long)Stacks * (Stacks + 1) / 2, even = (long)(Stacks / 2) * ((Stacks / 2) + 1);
        Assert.AreEqual((all, Stacks), Sum(Snapshot.Load(database, View.Total)));
        Assert.AreEqual((even, Stacks / 2), Sum(Snapshot.Load(database, View.Live)));
        Assert.AreEqual(all - even, Snapshot.Load(database, View.Total, pid: 2).Bytes, "the odd ones belong to process 2");

        var summaries = database.Processes.Select(process => ProcessSummary.Read(database, process)).ToArray();
        Assert.AreEqual(all, summaries.Sum(summary => summary.Usage.Allocated.Bytes));
        Assert.AreEqual(even, summaries.Sum(summary => summary.Usage.Live.Bytes));
        Assert.AreEqual(even, summaries[0].Threads.Single().Usage.Allocated.Bytes);

        var cumulative = Snapshot.Load(database, View.Total).Statistics(GroupBy.Filename, Cumulation.OncePerTrace).Single();
        Assert.AreEqual(all, cumulative.Size);
    }

    [TestMethod]
    public void Damage_is_found_in_every_part()
    {
        using var trace = Large();
        trace.Execute("COMMIT; PRAGMA foreign_keys = OFF; BEGIN; UPDATE site SET stack = 7000000 WHERE id = ?1", Stacks - 5);
        using var database = TraceDatabase.Open(trace.Save());
        var e = Assert.ThrowsExactly<InvalidTraceException>(() => Snapshot.Load(database, View.Total));
        Assert.EndsWith("damaged: there is no stack 7000000", e.Message);
    }

    [TestMethod]
    [DataRow(1, 1, 1)]
    [DataRow(0, 65_535, 1)]
    [DataRow(0, 65_536, 2)]
    [DataRow(5, 1_000_000, 16)]
    [DataRow(0, 5_000_000_000, 64)]
    public void Ranges_are_divided_without_gaps(long first, long last, int count)
    {
        var parts = new RowRange(first, last).Split();
        Assert.HasCount(count, parts);
        Assert.AreEqual(first, parts[0].First);
        Assert.AreEqual(last, parts[^1].Last);
        for (var i = 1; i < parts.Length; i++)
            Assert.AreEqual(parts[i - 1].Last + 1, parts[i].First);
    }

    [TestMethod]
    public void No_rows_have_no_parts() => Assert.IsEmpty(RowRange.None.Split());

    private static (long Size, long Count) Sum(Snapshot snapshot)
    {
        var lines = snapshot.Statistics(GroupBy.Lineno);
        Assert.AreEqual(snapshot.Bytes, lines.Sum(line => line.Size));
        return (snapshot.Bytes, lines.Sum(line => line.Count));
    }

    private static TraceBuilder Large()
    {
        var trace = new TraceBuilder();
        int even = trace.Process(pid: 1), odd = trace.Process(pid: 2);
        int evenThread = trace.Thread(even), oddThread = trace.Thread(odd);
        trace.Execute("INSERT INTO code VALUES (1, 'a.py', 'f', 'f', 1)");
        const string numbers = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ?1) ";
        trace.Execute($"{numbers} INSERT INTO stack SELECT i, i / 2, 1, i % 1000, 1 FROM n", Stacks);
        trace.Execute(
            $"{numbers} INSERT INTO site SELECT i, iif(i % 2, ?3, ?2), iif(i % 2, ?5, ?4), 2, i, i, 1, 0, 0, 0, 0, 0, 0, 0 FROM n",
            Stacks, even, odd, evenThread, oddThread);
        trace.Execute("INSERT INTO snapshot VALUES (1, ?1, 'live', '', 0, 0, 0)", even);
        trace.Execute($"{numbers} INSERT INTO snapshot_site SELECT 1, i, i, 1 FROM n WHERE i % 2 = 0", Stacks);
        return trace;
    }
}
