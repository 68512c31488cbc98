using AllocTrace.Replay;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Replay;

[TestClass]
public sealed class ProcessReplayTests
{
    private const int Raw = 0, Obj = 2, Tracked = 3;
    private const ulong A = 0x10000, B = 0x20000;

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Free_of_an_unknown_block_is_counted()
    {
        using var replayed = Run((_, thread) => thread.Free(Obj, A));
        Assert.AreEqual(1, replayed.Replay.UnknownFrees);
        Assert.AreEqual(0, replayed.Replay.LiveBytes);
        Assert.AreEqual((1L, 0L), Calls(replayed, Obj, RecordKind.Free));
    }

    [TestMethod]
    public void A_child_begins_with_what_was_alive_at_the_mark()
    {
        ForkImage? image = null;
        uint[] stacks = [];
        var parentPath = _folder.File("parent.alloctrace");
        using (var parent = new SessionBuilder(parentPath))
        {
            stacks = parent.AddStacks(2);
            var thread = parent.AddThread("maker");
            thread.Malloc(Obj, A, 100, stacks[0]);
            thread.Malloc(Obj, B, 10, stacks[1]);
            thread.Mark((int)MarkKind.Fork, 77);
            thread.Free(Obj, A);
        }

        using var parentSession = SessionFile.TryOpen(parentPath, shared: false)!;
        using var parentReplay = new ProcessReplay(parentSession, 1) { OnFork = taken => image = taken };
        new SessionDrain(parentSession, parentReplay).Finish();
        Assert.AreEqual((10L, 77UL), (parentReplay.LiveBytes, parentReplay.LastFork));

        var childPath = _folder.File("child.alloctrace");
        using (var child = new SessionBuilder(childPath))
        {
            var thread = child.AddThread();
            thread.Free(Obj, B);
            thread.Malloc(Obj, B, 1, 0);
        }

        using var childSession = SessionFile.TryOpen(childPath, shared: false)!;
        using var childReplay = new ProcessReplay(childSession, 1);
        childReplay.Inherit(image!);
        new SessionDrain(childSession, childReplay).Finish();
        childReplay.Finish();
        Assert.AreEqual((101L, 2L, 0L, 110L), (childReplay.LiveBytes, childReplay.LiveBlocks, childReplay.UnknownFrees, childReplay.PeakBytes));
        Assert.AreEqual("maker", childReplay.Threads[0].Name);
        CollectionAssert.AreEqual(
            new (long, long)[] { (100, stacks[0]), (10, stacks[1]) }, childReplay.Inherited.Select(site => (site.Bytes, (long)site.Stack)).ToArray());
        var slices = childReplay.SliceDifferences().Select(entry => (entry.Site, entry.AllocatedBytes, entry.FreedBytes)).ToArray();
        CollectionAssert.AreEqual(new (uint, long, long)[] { (2, 0, 10), (3, 1, 0) }, slices, "what was inherited was not allocated in a slice");
    }

    [TestMethod]
    public void Allocation_where_a_block_lies_frees_that_block()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Obj, A, 100, 0);
            thread.Malloc(Obj, A, 30, 0);
        });
        Assert.AreEqual(30, replayed.Replay.LiveBytes);
        Assert.AreEqual(1, replayed.Replay.LiveBlocks);
        Assert.AreEqual(100, replayed.Replay.PeakBytes);
        Assert.AreEqual(0, replayed.Replay.Operations(Obj, RecordKind.Free).Calls);
    }

    [TestMethod]
    public void Failed_realloc_leaves_everything_as_it_was()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Obj, A, 100, 0);
            thread.ReallocBegin(Obj, A);
            thread.ReallocFailed(Obj, A);
            thread.Free(Obj, A);
        });
        Assert.AreEqual(0, replayed.Replay.LiveBytes);
        Assert.AreEqual(0, replayed.Replay.UnknownFrees);
        Assert.AreEqual(100, replayed.Replay.PeakBytes);
        Assert.AreEqual(0, replayed.Replay.Operations(Obj, RecordKind.Realloc).Calls);
    }

    [TestMethod]
    public void Realloc_never_holds_both_blocks()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Obj, A, 1000, 0);
            thread.ReallocBegin(Obj, A);
            thread.Realloc(Obj, B, 1010, 0);
        });
        Assert.AreEqual(1010, replayed.Replay.PeakBytes);
        Assert.AreEqual(1010, replayed.Replay.LiveBytes);
    }

    [TestMethod]
    public void Block_in_a_realloc_that_never_ends_is_alive_at_the_end()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Obj, A, 100, 0);
            thread.ReallocBegin(Obj, A);
        });
        Assert.AreEqual(100, replayed.Snapshot(SnapshotKind.Live).Bytes);
    }

    [TestMethod]
    public void Realloc_whose_end_was_lost_frees_its_block_when_the_next_begins()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Obj, A, 100, 0);
            thread.Malloc(Obj, B, 10, 0);
            thread.ReallocBegin(Obj, A);
            thread.ReallocBegin(Obj, B);
            thread.ReallocFailed(Obj, B);
        });
        Assert.AreEqual(10, replayed.Replay.LiveBytes);
    }

    [TestMethod]
    public void Realloc_of_nothing_is_an_allocation()
    {
        using var replayed = Run((_, thread) => thread.Realloc(Raw, A, 77, 0));
        Assert.AreEqual(77, replayed.Replay.LiveBytes);
        Assert.AreEqual(0, replayed.Replay.UnknownFrees);
        Assert.AreEqual((1L, 77L), Calls(replayed, Raw, RecordKind.Realloc));
    }

    [TestMethod]
    public void Same_address_in_a_tracked_domain_is_another_block()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Raw, A, 100, 0);
            thread.Malloc(Tracked, A, 50, 0);
            thread.Free(Raw, A);
        });
        Assert.AreEqual(50, replayed.Replay.LiveBytes);
        Assert.AreEqual(150, replayed.Replay.PeakBytes);
    }

    [TestMethod]
    public void Block_of_the_raw_domain_may_be_freed_through_another_domain()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Raw, A, 100, 0);
            thread.Free(Obj, A);
        });
        Assert.AreEqual(0, replayed.Replay.LiveBytes);
        Assert.AreEqual(0, replayed.Replay.UnknownFrees);
    }

    [TestMethod]
    public void Live_is_what_the_finalization_mark_finds()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Obj, A, 100, 0);
            thread.Mark(1);
            thread.Free(Obj, A);
        });
        Assert.AreEqual(100, replayed.Snapshot(SnapshotKind.Live).Bytes);
        Assert.IsTrue(replayed.Replay.Finalizing);
    }

    [TestMethod]
    public void Named_snapshot_has_its_name_and_moment()
    {
        using var replayed = Run((session, thread) =>
        {
            thread.Malloc(Obj, A, 100, 0);
            session.NowNs += 3_000_000_000;
            thread.Mark(2, session.AddString("after login"));
            thread.Free(Obj, A);
        });
        var snapshot = replayed.Snapshot(SnapshotKind.Named);
        Assert.AreEqual(("after login", 3_000_000_000L, 100L, 1L), (snapshot.Name, snapshot.AtNs, snapshot.Bytes, snapshot.Blocks));
    }

    [TestMethod]
    public void Losses_have_their_thread_and_time()
    {
        using var replayed = Run((session, thread) =>
        {
            thread.Lost(7, SessionBuilder.StartedNs + 100, SessionBuilder.StartedNs + 200);
            thread.Lost(3, SessionBuilder.StartedNs + 300, SessionBuilder.StartedNs + 400);
            thread.Lost(5, SessionBuilder.StartedNs + 2_000_000_000, SessionBuilder.StartedNs + 2_000_000_001);
            session.Set64(thread.SlotOffset + 80, 19);
        });
        CollectionAssert.AreEqual(
            (Loss[])[new(LossReason.SlabsFull, 10, 100, 400), new(LossReason.SlabsFull, 5, 2_000_000_000, 2_000_000_001), new(LossReason.SlabsFull, 4, null, null)],
            replayed.Replay.Threads.Single().Losses.ToArray());
    }

    [TestMethod]
    public void Records_over_many_slabs_are_all_replayed()
    {
        const int blocks = 50_000;
        using var replayed = Run((_, thread) =>
        {
            for (var i = 0UL; i < blocks; i++)
                thread.Malloc(Obj, A + 16 * i, 10, 0);
        });
        Assert.AreEqual(blocks, replayed.Replay.LiveBlocks);
        Assert.AreEqual(10L * blocks, replayed.Replay.LiveBytes);
    }

    [TestMethod]
    public void Slices_stay_few_however_long_it_takes()
    {
        using var replayed = Run((session, thread) =>
        {
            for (var i = 0UL; i < 3000; i++)
            {
                session.NowNs += 1_000_000_000;
                thread.Malloc(Obj, A + 16 * i, 1, 0);
                thread.Mark(4);
            }
        });
        var timeline = replayed.Replay.Timeline;
        Assert.IsTrue(timeline.Slices.Length is > 128 and <= 256, $"{timeline.Slices.Length} slices");
        Assert.IsTrue(timeline.WidthNs * timeline.Slices.Length >= 3_000_000_000_000);
        Assert.AreEqual(3000, replayed.Replay.SliceDifferences().Sum(row => row.AllocatedBytes));
        for (var slice = 1; slice < timeline.Slices.Length; slice++)
            Assert.IsTrue(timeline.Slices[slice].LiveBytes >= timeline.Slices[slice - 1].LiveBytes);
    }

    private static (long Calls, long Bytes) Calls(Replayed replayed, int domain, RecordKind kind) =>
        (replayed.Replay.Operations(domain, kind).Calls, replayed.Replay.Operations(domain, kind).Bytes);

    private Replayed Run(Action<SessionBuilder, BuiltThread> program)
    {
        var path = _folder.File("session.alloctrace");
        using (var session = new SessionBuilder(path))
            program(session, session.AddThread());

        return Replayed.From(path);
    }
}
