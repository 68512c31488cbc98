using AllocTrace.Replay;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

using CsCheck;

namespace AllocTrace.Tests.Replay;

/// <summary>Replays random programs of several threads, and compares them with <see cref="NaiveModel"/>.</summary>
[TestClass]
public sealed class RandomProgramTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(7)]
    public void Replay_equals_a_naive_model(int temporaryThreshold) => Gen.Int.Sample(seed =>
    {
        using var folder = new TemporaryFolder();
        var model = new NaiveModel(temporaryThreshold);
        var path = folder.File("random.alloctrace");
        using (var session = new SessionBuilder(path, 4 << 20))
            new RandomProgram(new Random(seed), session, model).Run(events: 400);

        using var replayed = Replayed.From(path, temporaryThreshold);
        AssertEqual(model, replayed.Replay);
    }, iter: 60, threads: 1);

    [TestMethod]
    [DataRow(1, 64 << 20)]
    [DataRow(3, 300_000)]
    [DataRow(1, 1)]
    public void Collectors_that_take_over_from_each_other_come_to_the_same(int temporaryThreshold, int shortestJournal) => Gen.Int.Sample(seed =>
    {
        using var folder = new TemporaryFolder();
        var random = new Random(seed);
        var model = new NaiveModel(temporaryThreshold);
        var path = folder.File("random.alloctrace");
        using var session = new SessionBuilder(path, 16 << 20);
        var program = new RandomProgram(random, session, model);
        var snapshots = new List<(string Name, long Bytes)>();
        program.Run(events: 100); // each thread has written
        var collector = Next();
        for (var step = 0; step < 40; step++)
        {
            program.Run(events: random.Next(600));
            if (random.Next(3) == 0)
                collector.Round();

            if (random.Next(8) == 0)
            {
                snapshots.Add(($"after {step}", model.LiveTotal));
                collector.TakeSnapshot((uint)snapshots.Count, $"after {step}");
            }

            if (random.Next(4) == 0)
            {
                collector.Dispose();
                collector = Next();
            }
        }

        collector.Finish();
        AssertEqual(model, collector.Replay);
        CollectionAssert.AreEqual(snapshots, collector.Replay.Snapshots().Where(image => image.Kind == SnapshotKind.Named).Select(image => (image.Name, image.Bytes)).ToList());
        collector.Dispose();

        MortalCollector Next() => new(path, () => session.NowNs, temporaryThreshold, shortestJournal);
    }, iter: 12, threads: 1);

    private static unsafe void AssertEqual(NaiveModel model, ProcessReplay replay)
    {
        var allocated = new Dictionary<SiteKey, (long, long)>();
        var freed = new Dictionary<SiteKey, (long, long)>();
        var temporary = new Dictionary<SiteKey, (long, long)>();
        var keys = new List<SiteKey> { default };
        for (var site = 1u; site < replay.Sites.End; site++)
        {
            var counters = replay.Sites.Counters[site];
            var key = new SiteKey((int)replay.Threads[counters.Thread].OsId - SessionBuilder.FirstOsId, counters.Domain, replay.Sites.History[site].Stack);
            keys.Add(key);
            allocated.Add(key, (counters.AllocatedBytes, counters.AllocatedBlocks));
            if (counters.FreedBlocks > 0)
                freed.Add(key, (counters.FreedBytes, counters.FreedBlocks));
            if (counters.TemporaryBlocks > 0)
                temporary.Add(key, (counters.TemporaryBytes, counters.TemporaryBlocks));
        }

        AssertSame(model.Allocated, allocated, "allocated");
        AssertSame(model.Freed, freed, "freed");
        AssertSame(model.Temporary, temporary, "temporary");
        var snapshots = replay.Snapshots().Where(snapshot => snapshot.Kind != SnapshotKind.Named).ToDictionary(snapshot => snapshot.Kind);
        AssertSame(model.Live, snapshots[SnapshotKind.Live].Sites.ToDictionary(site => keys[(int)site.Site], site => site.Bytes), "live");
        AssertSame(model.Peak, snapshots[SnapshotKind.Peak].Sites.ToDictionary(site => keys[(int)site.Site], site => site.Bytes), "peak");
        Assert.AreEqual(model.Peak.Values.Sum(), replay.PeakBytes);
        Assert.AreEqual(model.LiveTotal, replay.LiveBytes);
        Assert.AreEqual(model.UnknownFrees, replay.UnknownFrees);
        foreach (var ((domain, kind), (calls, bytes)) in model.Operations)
            Assert.AreEqual((calls, bytes), (replay.Operations(domain, (RecordKind)kind).Calls, replay.Operations(domain, (RecordKind)kind).Bytes));

        AssertSlicesSumUp(replay);
    }

    private static unsafe void AssertSlicesSumUp(ProcessReplay replay)
    {
        var slices = replay.SliceDifferences().ToArray();
        Assert.IsTrue(slices.Length > 0);
        foreach (var rows in slices.GroupBy(row => row.Site))
        {
            var counters = replay.Sites.Counters[rows.Key];
            Assert.AreEqual(counters.AllocatedBytes, rows.Sum(row => row.AllocatedBytes));
            Assert.AreEqual(counters.AllocatedBlocks, rows.Sum(row => row.AllocatedBlocks));
            Assert.AreEqual(counters.FreedBytes, rows.Sum(row => row.FreedBytes));
            Assert.AreEqual(counters.FreedBlocks, rows.Sum(row => row.FreedBlocks));
            Assert.IsTrue(rows.All(row => row.AllocatedBlocks > 0 || row.FreedBlocks > 0), "a row says something");
        }

        // The live blocks at a slice's end are those that were allocated and not yet freed.
        var live = 0L;
        for (var slice = 0; slice <= replay.Timeline.Current; slice++)
        {
            live += slices.Where(row => row.Slice == slice).Sum(row => row.AllocatedBytes - row.FreedBytes);
            Assert.AreEqual(live, replay.Timeline.Slices[slice].LiveBytes, $"slice {slice}");
            Assert.IsTrue(replay.Timeline.Slices[slice].HighestBytes >= live, $"slice {slice}");
        }

        var highest = 0L;
        foreach (var slice in replay.Timeline.Slices)
            highest = Math.Max(highest, slice.HighestBytes);

        Assert.AreEqual(replay.PeakBytes, highest);
    }

    private static void AssertSame<TValue>(Dictionary<SiteKey, TValue> expected, Dictionary<SiteKey, TValue> actual, string what)
    {
        foreach (var (site, value) in expected)
            Assert.AreEqual(value, actual.GetValueOrDefault(site), $"{what} of {site}");

        Assert.AreEqual(expected.Count, actual.Count, what);
    }
}
