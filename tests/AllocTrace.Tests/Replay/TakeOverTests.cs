using AllocTrace.Journal;
using AllocTrace.Replay;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Replay;

/// <summary>Tests a collector that continues from a killed one; see also <see cref="RandomProgramTests"/>.</summary>
[TestClass]
public sealed class TakeOverTests
{
    private const int Obj = 2;
    private const ulong A = 0x10000;

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    [DataRow(64 << 20)]
    [DataRow(1)]
    public void Threads_that_ended_are_known_by_name_and_time(int shortestJournal)
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        var thread = builder.AddThread("worker");
        thread.Malloc(Obj, A, 10, 0);
        builder.NowNs += 77;
        thread.End();
        using (new MortalCollector(builder.Path, () => builder.NowNs, shortestJournal: shortestJournal))
            Assert.AreEqual((uint)ThreadSlotState.Free, builder.Get32(thread.SlotOffset + 16));

        Assert.HasCount(shortestJournal == 1 ? 3 : 2, Directory.GetFiles(_folder.Path, "live.alloctrace.*"));
        foreach (var file in Directory.GetFiles(_folder.Path, "live.alloctrace.*").Where(file => file != builder.Path))
            Assert.AreEqual(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        using var next = new MortalCollector(builder.Path, () => builder.NowNs);
        next.Finish();
        var ended = next.Replay.Threads.Single();
        Assert.AreEqual(("worker", 77L, 10L), (ended.Name, ended.EndedNs, next.Replay.LiveBytes));
    }

    [TestMethod]
    public void Slab_that_was_kept_and_not_yet_given_back_is_given_back_once()
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        var thread = builder.AddThread();
        Fill(thread, slabs: 2);
        var before = (Free: builder.Get64(640), Released: builder.Get64(720), Drained: builder.Get64(thread.SlotOffset + 64), DrainedSlab: builder.Get32(thread.SlotOffset + 72));
        var first = builder.Get32(thread.SlotOffset + 20);
        using (new MortalCollector(builder.Path, () => builder.NowNs))
            Assert.AreEqual(2UL, builder.Get64(720));

        // This state is that of a collector that was killed before it released the second one.
        builder.Set64(640, before.Free | (first + 1));
        builder.Set64(720, 1);
        var second = first + 1;
        builder.Set32(builder.SlabOffset(second) + 4, 1);
        builder.Set64(thread.SlotOffset + 64, before.Drained);
        using (new MortalCollector(builder.Path, () => builder.NowNs))
            Assert.AreEqual((2UL, second + 1), (builder.Get64(720), (uint)builder.Get64(640)));

        using var third = new MortalCollector(builder.Path, () => builder.NowNs);
        third.Finish();
        Assert.AreEqual(2UL, builder.Get64(720));
        Assert.AreEqual(100, third.Replay.LiveBlocks);
    }

    [TestMethod]
    public void Checkpoint_whose_journal_was_not_begun_anew_counts_once()
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        var thread = builder.AddThread();
        Fill(thread, slabs: 3);
        using (var collector = new MortalCollector(builder.Path, () => builder.NowNs))
        {
            var journal = Directory.GetFiles(_folder.Path, "*.journal").Single();
            File.Copy(journal, _folder.File("kept"));
        }

        var calls = 0L;
        using (var collector = new MortalCollector(builder.Path, () => builder.NowNs, shortestJournal: 1))
            calls = collector.Replay.Operations(Obj, RecordKind.Malloc).Calls;

        File.Copy(_folder.File("kept"), Directory.GetFiles(_folder.Path, "*.journal").Single(), overwrite: true);
        using var next = new MortalCollector(builder.Path, () => builder.NowNs);
        Assert.AreEqual((calls, 100L), (next.Replay.Operations(Obj, RecordKind.Malloc).Calls, next.Replay.LiveBlocks));
    }

    /// <summary>Changes a checkpoint and corrects its checksum.</summary>
    [TestMethod]
    [DataRow(36, DisplayName = "live bytes")]
    [DataRow(44, DisplayName = "live blocks")]
    [DataRow(36 + (11 * 8) + 4 + (16 * 0x12), DisplayName = "calls")]
    public void Checkpoint_that_does_not_add_up_is_refused(int at)
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        Fill(builder.AddThread(), slabs: 3);
        new MortalCollector(builder.Path, () => builder.NowNs, shortestJournal: 1).Dispose();
        var file = Directory.GetFiles(_folder.Path, "*.checkpoint").Single();
        var content = File.ReadAllBytes(file)[..^CheckpointFile.ChecksumBytes];
        BitConverter.TryWriteBytes(content.AsSpan(at), BitConverter.ToInt64(content, at) + (1L << 62));
        File.WriteAllBytes(file, [.. content, .. BitConverter.GetBytes(CheckpointFile.Checksum(new MemoryStream(content), content.Length))]);
        var damage = Assert.ThrowsExactly<InvalidTraceException>(() => new MortalCollector(builder.Path, () => builder.NowNs));
        StringAssert.Contains(damage.Message, "its data of the replay is impossible");
    }

    [TestMethod]
    [DataRow("*.journal", 5000, "journal of a killed collector is damaged")]
    [DataRow("*.journal", 0, "journal of a killed collector is damaged")]
    [DataRow("*.checkpoint", 700, "checkpoint of a killed collector is damaged: its checksum is wrong")]
    public void Damage_is_told_in_a_line(string pattern, int at, string says)
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 4 << 20);
        var thread = builder.AddThread();
        Fill(thread, slabs: 2);
        using (new MortalCollector(builder.Path, () => builder.NowNs, shortestJournal: pattern == "*.journal" ? 64 << 20 : 1))
            Fill(thread, slabs: 1);

        using (var file = File.OpenWrite(Directory.GetFiles(_folder.Path, pattern).Single()))
        {
            file.Position = at == 5000 ? 4096 + 4 : at; // the length of the first entry
            file.Write([0xEE, 0xEE, 0xEE, 0xEE]);
        }

        var damage = Assert.ThrowsExactly<InvalidTraceException>(() => new MortalCollector(builder.Path, () => builder.NowNs));
        StringAssert.Contains(damage.Message, says);
        Assert.HasCount(1, damage.Message.Split('\n'));
    }

    [TestMethod]
    public void Damaged_journals_of_any_kind_are_errors_and_nothing_else()
    {
        using var builder = new SessionBuilder(_folder.File("live.alloctrace"), 8 << 20);
        var (thread, other) = (builder.AddThread(), builder.AddThread());
        for (var i = 0; i < 3; i++)
        {
            Fill(thread, slabs: 1);
            Fill(other, slabs: 1);
        }

        using (new MortalCollector(builder.Path, () => builder.NowNs))
            Fill(thread, slabs: 1);

        var journal = Directory.GetFiles(_folder.Path, "*.journal").Single();
        var whole = File.ReadAllBytes(journal);
        var random = new Random(4711);
        var told = 0;
        for (var i = 0; i < 1000; i++)
        {
            var damaged = whole.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                damaged[random.Next(2) == 0 ? random.Next(128) : random.Next(damaged.Length)] = (byte)random.Next(256);

            // Heads of entries are rare in that many bytes.
            if (random.Next(2) == 0)
                damaged[4096 + random.Next(64)] ^= (byte)(1 << random.Next(8));

            File.WriteAllBytes(journal, damaged);
            using var session = SessionFile.TryOpen(builder.Path, shared: false)!;
            using var replay = new ProcessReplay(session, 1);
            using var drain = new SessionDrain(session, replay, new() { IsRest = false });
            try
            {
                using var reader = JournalReader.TryOpen(session);
                if (reader is not null)
                    drain.TakeOver(reader);
                drain.Finish();
            }
            catch (InvalidTraceException)
            {
                told++;
            }
        }

        Assert.IsGreaterThan(300, told);
    }

    /// <summary>Allocates and frees until a number of slabs is full; 100 blocks stay live.</summary>
    private static void Fill(BuiltThread thread, int slabs)
    {
        for (var i = 0UL; i < (ulong)slabs * 65536 / 16; i++)
            thread.Malloc(Obj, A + (ulong)thread.Slot * 0x10_0000 + 16 * (i % 100), 10, 0);
    }
}
