using System.Collections.Concurrent;

using AllocTrace.Platform;
using AllocTrace.Replay;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Replay;

/// <summary>Tests docs/ordering.md with real threads: they pass few addresses around while a collector drains.</summary>
[TestClass]
public sealed class OrderingStressTests
{
    private const int Obj = 2, Writers = 3, EventsPerWriter = 60_000, Addresses = 8;

    [TestMethod]
    public void Real_threads_are_replayed_without_an_unknown_free_or_a_doubled_block()
    {
        using var folder = new TemporaryFolder();
        using var builder = new SessionBuilder(folder.File("stress.alloctrace"), 64 << 20);
        var threads = Enumerable.Range(0, Writers).Select(_ => new ConcurrentWriter(builder)).ToArray();
        var free = new ConcurrentBag<ulong>(Enumerable.Range(1, Addresses).Select(i => (ulong)i << 16));
        var handedOver = new ConcurrentBag<ulong>();
        var tasks = threads.Select(writer => Task.Factory.StartNew(() => Work(writer, free, handedOver), TaskCreationOptions.LongRunning)).ToArray();

        using var session = SessionFile.TryOpen(builder.Path, shared: true)!;
        using var replay = new ProcessReplay(session, 1);
        var drain = new SessionDrain(session, replay);
        while (!Task.WaitAll(tasks, 0))
            drain.Round(LibC.MonotonicNanoseconds);

        drain.Finish();
        Assert.AreEqual(0, replay.UnknownFrees);
        Assert.AreEqual(handedOver.Count, replay.LiveBlocks);
        var allocations = replay.Operations(Obj, RecordKind.Malloc).Calls;
        Assert.AreEqual(Writers * EventsPerWriter, allocations + replay.Operations(Obj, RecordKind.Free).Calls);
        Assert.AreEqual(allocations - handedOver.Count, replay.Operations(Obj, RecordKind.Free).Calls, "no block was replaced");
    }

    private static void Work(ConcurrentWriter writer, ConcurrentBag<ulong> free, ConcurrentBag<ulong> handedOver)
    {
        for (var events = 0; events < EventsPerWriter;)
        {
            if (handedOver.TryTake(out var address))
            {
                writer.Write(4UL << 60 | (ulong)Obj << 56 | address);
                free.Add(address); // the real free
                events++;
            }

            if (events < EventsPerWriter && free.TryTake(out address)) // the real allocation
            {
                writer.Write(1UL << 60 | (ulong)Obj << 56 | address, 10);
                handedOver.Add(address);
                events++;
            }
        }
    }
}
