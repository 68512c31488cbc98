using AllocTrace.Replay;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Replay;

[TestClass]
public sealed class SessionDrainTests
{
    private const int Obj = 2;
    private const ulong A = 0x10000;

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Drained_slabs_are_used_again()
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        var thread = builder.AddThread();
        using var session = SessionFile.TryOpen(builder.Path, shared: true)!;
        using var replay = new ProcessReplay(session, 1);
        var drain = new SessionDrain(session, replay);
        const int rounds = 500, perRound = 3000;
        for (var i = 0UL; i < rounds * perRound; i++)
        {
            thread.Malloc(Obj, A + 16 * (i % 100), 10, 0);
            if (i % perRound == 0)
                drain.Round(() => builder.NowNs);
        }

        drain.Finish();
        Assert.AreEqual(rounds * perRound, replay.Operations(Obj, RecordKind.Malloc).Calls);
        Assert.AreEqual(100, replay.LiveBlocks);
        Assert.IsTrue(builder.Get32(520) <= 3, $"{builder.Get32(520)} slabs");
        Assert.IsTrue(builder.Get64(720) > 100, "released slabs are counted");
    }

    [TestMethod]
    public void Slot_of_an_ended_thread_is_freed_when_it_is_drained()
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        var thread = builder.AddThread("worker");
        thread.Malloc(Obj, A, 10, 0);
        builder.NowNs += 77;
        thread.End();
        using var session = SessionFile.TryOpen(builder.Path, shared: true)!;
        using var replay = new ProcessReplay(session, 1);
        new SessionDrain(session, replay).Round(() => builder.NowNs);
        Assert.AreEqual((uint)ThreadSlotState.Free, builder.Get32(thread.SlotOffset + 16));
        Assert.AreEqual(thread.Slab + 1, (uint)builder.Get64(640), "its slab is free");
        var ended = replay.Threads.Single();
        Assert.AreEqual(("worker", 77L), (ended.Name, ended.EndedNs));
    }

    [TestMethod]
    public void Records_of_a_batch_after_the_look_wait_for_the_next_round()
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        var (first, second) = (builder.AddThread(), builder.AddThread());
        first.Malloc(Obj, A, 10, 0);
        var order = builder.Get64(576);
        second.Free(Obj, A);
        builder.Set64(576, order); // as if the collector had read it before the second thread's batch
        using var session = SessionFile.TryOpen(builder.Path, shared: true)!;
        using var replay = new ProcessReplay(session, 1);
        var drain = new SessionDrain(session, replay);
        drain.Round(() => builder.NowNs);
        Assert.AreEqual(10, replay.LiveBytes);
        builder.Set64(576, 2 << 20 | 1);
        drain.Round(() => builder.NowNs);
        Assert.AreEqual(0, replay.LiveBytes);
        Assert.AreEqual(0, replay.UnknownFrees);
    }
}
