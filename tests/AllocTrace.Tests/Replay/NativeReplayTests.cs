using AllocTrace.Replay;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Replay;

/// <summary>Tests the C heap and mappings in the replay (option native).</summary>
[TestClass]
public sealed unsafe class NativeReplayTests
{
    private const int Raw = 0, Obj = 2, Numpy = 3, Malloc = 13, Mmap = 14, Others = 15;
    private const ulong A = 0x10000, B = 0x20000, Page = 4096;

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Block_of_one_domain_is_ended_by_the_free_of_another_of_the_heap()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Malloc, A, 100, 0);
            thread.Free(Raw, A);
            thread.Malloc(Raw, B, 10, 0);
            thread.Free(Malloc, B);
        });
        Assert.AreEqual((0L, 0L, 0L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks, replayed.Replay.UnknownFrees));
        CollectionAssert.AreEquivalent(new[] { (Malloc, 100L, 100L), (Raw, 10L, 10L) }, Sites(replayed));
    }

    /// <summary>Replays numpy's calls: malloc, Track, and at the end Untrack and free.</summary>
    [TestMethod]
    public void Block_that_an_extension_reports_changes_its_domain_and_counts_once()
    {
        using var replayed = Run((session, thread) =>
        {
            var stacks = session.AddStacks(2);
            thread.Malloc(Malloc, A, 100, stacks[0]);
            thread.Malloc(Numpy, A, 100, stacks[1]);
            thread.Malloc(Malloc, B, 10, stacks[0]);
            thread.Malloc(Numpy, B, 10, stacks[1]);
            thread.Free(Numpy, B);
            thread.Free(Malloc, B);
        });
        Assert.AreEqual((100L, 1L, 110L, 0L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks, replayed.Replay.PeakBytes, replayed.Replay.UnknownFrees));
        CollectionAssert.AreEquivalent(new[] { (Malloc, 0L, 0L), (Numpy, 110L, 10L) }, Sites(replayed));
        Assert.AreEqual(10, replayed.Replay.Sites.Counters[2].TemporaryBytes, "freed at once");
    }

    /// <summary>Replays numpy's cache of small blocks: Untrack, and later Track of the same block, without malloc.</summary>
    [TestMethod]
    public void Block_that_is_handed_out_again_is_alive_all_the_time()
    {
        using var replayed = Run((session, thread) =>
        {
            var stacks = session.AddStacks(2);
            thread.Malloc(Malloc, A, 100, stacks[0]);
            thread.Malloc(Numpy, A, 100, stacks[0]);
            thread.Free(Numpy, A);
            thread.Malloc(Obj, B, 1, stacks[0]);
            thread.Malloc(Numpy, A, 100, stacks[1]);
        });
        Assert.AreEqual((101L, 2L, 101L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks, replayed.Replay.PeakBytes));
        var sites = Sites(replayed);
        Assert.Contains((Numpy, 100L, 0L), sites);
        Assert.Contains((Numpy, 100L, 100L), sites);
    }

    [TestMethod]
    public void Domains_that_share_one_have_the_block_by_its_plain_address()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Malloc, A, 100, 0);
            thread.Malloc(Others, A | 5UL << 48, 100, 0);
            thread.Free(Others, A | 5UL << 48);
            thread.Malloc(Others, B | 5UL << 48, 7, 0); // not of the heap
            thread.Free(Malloc, A);
        });
        Assert.AreEqual((7L, 0L), (replayed.Replay.LiveBytes, replayed.Replay.UnknownFrees));
    }

    [TestMethod]
    public void Without_the_option_a_tracked_block_is_another_one()
    {
        using var replayed = Run(
            (_, thread) =>
            {
                thread.Malloc(Raw, A, 100, 0);
                thread.Malloc(Numpy, A, 100, 0);
                thread.Free(Numpy, A);
            },
            hasNative: false);
        Assert.AreEqual(100, replayed.Replay.LiveBytes);
    }

    [TestMethod]
    public void Sampled_block_that_an_extension_reports_stands_for_as_many_as_before()
    {
        (long, long) Live(bool isReported)
        {
            using var replayed = Run((session, thread) =>
            {
                session.Set64(64, 4096);
                thread.Malloc(Malloc, A, 100, 0);
                if (isReported)
                    thread.Malloc(Numpy, A, 100, 0);

                thread.Malloc(Mmap, B, Page, 0);
            });
            File.Delete(replayed.Session.Path);
            return (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks);
        }

        Assert.AreEqual(Live(isReported: false), Live(isReported: true));
        Assert.IsGreaterThan(4096, Live(isReported: true).Item1);
    }

    /// <summary>Allocates at the address of a live block, whose free did not reach the library (RTLD_DEEPBIND).</summary>
    [TestMethod]
    public void Block_that_lies_where_one_is_alive_ends_that_one()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Malloc, A, 100, 0);
            thread.Malloc(Malloc, A, 30, 0);
        });
        Assert.AreEqual((30L, 1L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks));
    }

    [TestMethod]
    public void Mapping_may_lose_its_middle_and_is_one_block_until_its_last_piece_is_gone()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Mmap, A, 10 * Page, 0);
            thread.Unmap(A + 3 * Page, 4 * Page);
            thread.Mark(2);
            thread.Unmap(A, 3 * Page);
            thread.Unmap(A + 7 * Page, 3 * Page);
        });
        var named = replayed.Snapshot(SnapshotKind.Named).Sites.Single();
        Assert.AreEqual((6 * (long)Page, 1L), (named.Bytes, named.Blocks));
        Assert.AreEqual((0L, 0L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks));
        Assert.AreEqual((3L, 10 * (long)Page), (replayed.Replay.Operations(Mmap, RecordKind.Free).Calls, replayed.Replay.Operations(Mmap, RecordKind.Free).Bytes));
    }

    [TestMethod]
    public void Mapping_over_others_takes_their_place()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Mmap, A, 4 * Page, 0);
            thread.Malloc(Mmap, A + 8 * Page, 4 * Page, 0);
            thread.Malloc(Mmap, A + 2 * Page, 8 * Page, 0);
        });
        Assert.AreEqual((12 * (long)Page, 3L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks));
    }

    [TestMethod]
    public void Mapping_that_the_system_does_not_unmap_or_move_is_as_it_was()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Mmap, A, 4 * Page, 0);
            thread.Unmap(A, 4 * Page);
            thread.ReallocFailed(Mmap, A);
            thread.Unmap(A + Page, Page);
            thread.ReallocFailed(Mmap, A + Page);
        });
        Assert.AreEqual((4 * (long)Page, 1L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks));
        CollectionAssert.AreEqual(new[] { (Mmap, 4 * (long)Page, 0L) }, Sites(replayed));
    }

    [TestMethod]
    public void Moved_mapping_is_a_new_block_and_an_unknown_mapping_stays_unknown()
    {
        using var replayed = Run((_, thread) =>
        {
            thread.Malloc(Mmap, A, 4 * Page, 0);
            thread.Unmap(A, 4 * Page);
            thread.Realloc(Mmap, B, 6 * Page, 0);
            thread.Unmap(0x900000, Page);
            thread.Realloc(Mmap, 0x800000, 2 * Page, 0);
        });
        Assert.AreEqual((6 * (long)Page, 1L), (replayed.Replay.LiveBytes, replayed.Replay.LiveBlocks));
    }

    [TestMethod]
    public void Unmap_of_another_domain_is_refused() =>
        Assert.ThrowsExactly<InvalidTraceException>(() => Run((_, thread) => thread.Append(14UL << 60 | A, Page)));

    /// <summary>Compares random calls with a model that has an owner for each page; another collector takes over in between.</summary>
    [TestMethod]
    public void Mappings_are_what_they_are_page_by_page()
    {
        const int pages = 200;
        var random = new Random(16);
        var owners = new int[pages]; // 0: none
        using var builder = new SessionBuilder(_folder.File("live.alloctrace")) { HasNative = true };
        var thread = builder.AddThread();
        for (var call = 1; call <= 3000; call++)
        {
            var first = random.Next(pages);
            var count = random.Next(1, Math.Min(20, pages - first) + 1);
            var isMade = random.Next(2) == 0;
            if (isMade)
                thread.Malloc(Mmap, A + (ulong)first * Page, (ulong)count * Page, 0);
            else
                thread.Unmap(A + (ulong)first * Page, (ulong)count * Page);

            Array.Fill(owners, isMade ? call : 0, first, count);
            if (call % 1000 != 0)
                continue;

            using var collector = new MortalCollector(builder.Path, () => builder.NowNs, shortestJournal: 1);
            Assert.AreEqual(
                (owners.LongCount(owner => owner != 0) * (long)Page, owners.Where(owner => owner != 0).Distinct().LongCount()),
                (collector.Replay.LiveBytes, collector.Replay.LiveBlocks));
        }
    }

    private static (int Domain, long Allocated, long Freed)[] Sites(Replayed replayed)
    {
        var sites = new List<(int, long, long)>();
        for (var site = 1u; site < replayed.Replay.Sites.End; site++)
        {
            ref readonly var counters = ref replayed.Replay.Sites.Counters[site];
            sites.Add((counters.Domain, counters.AllocatedBytes, counters.FreedBytes));
        }

        return [.. sites];
    }

    private Replayed Run(Action<SessionBuilder, BuiltThread> program, bool hasNative = true)
    {
        var path = _folder.File("session.alloctrace");
        using (var session = new SessionBuilder(path) { HasNative = hasNative })
            program(session, session.AddThread());

        return Replayed.From(path);
    }
}
