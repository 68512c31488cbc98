using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Wire;

/// <summary>Reads damaged sessions, which are foreign input: each fault is an exception of one line that names the file.</summary>
[TestClass]
public sealed class DamagedSessionTests
{
    private const int Obj = 2;
    private const ulong A = 0x10000;

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("damaged.alloctrace");

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void File_that_is_still_being_made_is_no_session_yet()
    {
        File.WriteAllBytes(Path, new byte[100]);
        Assert.IsNull(SessionFile.TryOpen(Path, shared: true));
        File.WriteAllBytes(Path, new byte[SessionBuilder.HeaderBytes]);
        Assert.IsNull(SessionFile.TryOpen(Path, shared: true));
    }

    [TestMethod]
    public void Other_file_is_not_a_session()
    {
        File.WriteAllBytes(Path, [.. Enumerable.Repeat((byte)'x', SessionBuilder.HeaderBytes)]);
        AssertInvalid(() => SessionFile.TryOpen(Path, shared: false), "not an AllocTrace session");
    }

    [TestMethod]
    public void Other_version_is_named() => AssertDamage((session, _) => session.Set32(8, 99), "version 99");

    [TestMethod]
    public void Sample_of_more_than_memory_is_refused() => AssertDamage((session, _) => session.Set64(64, 0xF800_0000_0000_1000), "it samples every");

    [TestMethod]
    public void Truncated_file_says_how_long_it_is()
    {
        Build((_, thread) => thread.Malloc(Obj, A, 1, 0));
        using (var file = new FileStream(Path, FileMode.Open))
            file.SetLength(SessionBuilder.HeaderBytes + SessionBuilder.ExtentBytes);

        AssertInvalid(() => Replayed.From(Path), "is 327680 bytes long");
    }

    [TestMethod]
    public void Extent_of_an_unknown_kind_is_refused() =>
        AssertDamage((session, _) => WriteByte(session, 4096, 77), "kind 77");

    [TestMethod]
    public void Unknown_record_is_refused() => AssertDamage((_, thread) => thread.Append(15UL << 60), "kind 15");

    [TestMethod]
    public void Record_beyond_the_cursor_is_refused() => AssertDamage((_, thread) => thread.Append(1UL << 60 | A), "8 bytes left");

    [TestMethod]
    public void Unknown_stack_is_refused() => AssertDamage((_, thread) => thread.Malloc(Obj, A, 1, 1_000_000), "stack 1000000");

    [TestMethod]
    public void Block_larger_than_memory_is_refused() => AssertDamage((_, thread) => thread.Malloc(Obj, A, 1UL << 60, 0), "bytes");

    [TestMethod]
    public void Block_that_no_address_space_holds_is_refused() => AssertDamage((_, thread) => thread.Malloc(Obj, A, (1UL << 48) + 1, 0), "a block of 281474976710657 bytes");

    /// <summary>Makes sums overflow: each size is possible, but not all of them together.</summary>
    [TestMethod]
    [DataRow(false, 0u, DisplayName = "alive")]
    [DataRow(true, 0u, DisplayName = "freed at once")]
    [DataRow(true, 1u << 20, DisplayName = "sampled")]
    public void More_bytes_than_there_can_be_are_refused(bool isFreed, uint sampled) => AssertDamage(
        (session, thread) =>
        {
            session.Set64(64, sampled);
            for (var i = 0UL; i < 40_000; i++)
            {
                thread.Malloc(Obj, A + 16 * i, 1UL << 48, 0);
                if (isFreed)
                    thread.Free(Obj, A + 16 * i);
            }
        },
        "an impossible number of bytes");

    [TestMethod]
    public void More_blocks_than_a_sample_can_stand_for_are_refused() => AssertDamage(
        (session, thread) =>
        {
            session.Set64(64, 1UL << 40);
            for (var i = 0UL; i < 80_000; i++)
                thread.Malloc(Obj, A, 0, 0);
        },
        "an impossible number of blocks");

    [TestMethod]
    public void More_lost_events_than_there_can_be_are_refused()
    {
        AssertDamage(
            (session, thread) =>
            {
                for (var i = 0; i < 3; i++)
                    thread.Lost(1UL << 55, session.NowNs, session.NowNs);
            },
            "lost");
        AssertDamage((session, _) => session.Set64(536, ulong.MaxValue), "lost"); // stacks
        AssertDamage((session, _) => session.Set64(552, ulong.MaxValue), "lost"); // of threads without a slot
        AssertDamage((session, thread) => session.Set64(thread.SlotOffset + 80, ulong.MaxValue), "lost");
        AssertDamage(
            (session, thread) =>
            {
                session.Set64(thread.SlotOffset + 80, ulong.MaxValue);
                thread.End();
            },
            "lost");
    }

    [TestMethod]
    public void Slab_that_leads_to_itself_ends_the_reading() => AssertDamage(
        (session, thread) =>
        {
            Fill(thread);
            session.Set32(session.SlabOffset(0) + 8, 0);
        },
        "slab 0 is not number 1");

    [TestMethod]
    public void Slab_that_does_not_exist_is_refused() => AssertDamage(
        (session, thread) =>
        {
            Fill(thread);
            session.Set32(session.SlabOffset(0) + 8, 12345);
        },
        "slab 12345");

    [TestMethod]
    public void Slab_that_uses_more_than_it_has_is_refused() => AssertDamage(
        (session, thread) =>
        {
            Fill(thread);
            session.Set32(session.SlabOffset(0) + 12, 70_000);
        },
        "70000 bytes in use");

    [TestMethod]
    public void Cursor_far_away_ends_the_reading() => AssertDamage(
        (session, thread) =>
        {
            thread.Malloc(Obj, A, 1, 0);
            session.Set64(thread.SlotOffset, ulong.MaxValue & ~7UL);
        },
        "slab");

    [TestMethod]
    public void Batch_that_nobody_announced_is_refused() => AssertDamage(
        (session, thread) =>
        {
            thread.Malloc(Obj, A, 1, 0);
            session.Set64(576, 0);
        },
        "that was not announced");

    [TestMethod]
    public void More_threads_than_there_is_room_for_are_refused() => AssertDamage((session, _) => session.Set32(516, 5000), "5000 threads");

    [TestMethod]
    [DataRow(3u, DisplayName = "not at a multiple of 4")]
    [DataRow(4_000_000_000u, DisplayName = "outside")]
    public void String_that_does_not_exist_is_refused(uint reference) =>
        AssertDamage((_, thread) => thread.Mark(2, reference), $"string {reference}");

    [TestMethod]
    public void String_longer_than_its_room_is_refused() => AssertDamage(
        (session, thread) =>
        {
            var reference = session.AddString("name");
            session.Set32(SessionBuilder.HeaderBytes + SessionBuilder.ExtentBytes + reference, 60_000);
            thread.Mark(2, reference);
        },
        "60000 bytes");

    [TestMethod]
    public void Random_damage_is_an_exception_or_harmless()
    {
        Build((session, thread) =>
        {
            var stacks = session.AddStacks(20);
            for (var i = 0UL; i < 20_000; i++)
                thread.Malloc(Obj, A + i % 500 * 16, 1 + i, stacks[i % 20]);
        });
        var sound = File.ReadAllBytes(Path);
        var used = SessionBuilder.HeaderBytes + 6 * SessionBuilder.ExtentBytes;
        var random = new Random(1);
        var refused = 0;
        for (var run = 0; run < 300; run++)
        {
            var bytes = sound.AsSpan(0, used).ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(3) == 0 ? random.Next(512) : random.Next(used)] = (byte)random.Next(256);

            File.WriteAllBytes(Path, bytes);
            try
            {
                if (SessionFile.TryOpen(Path, shared: false) is { } session)
                {
                    session.Dispose();
                    Replayed.From(Path).Dispose();
                }
            }
            catch (InvalidTraceException e)
            {
                StringAssert.Contains(e.Message, Path);
                refused++;
            }
        }

        Assert.IsTrue(refused > 10, $"{refused} refused");
    }

    [TestMethod]
    [DataRow(44, 129u, "more entries than fit")] // threads
    [DataRow(52, 65u, "more entries than fit")] // allocations
    [DataRow(56, 8193u, "more entries than fit")] // frames
    [DataRow(60, 300_000u, "more entries than fit")] // text
    [DataRow(64, 257u, "more entries than fit")] // frames of C
    [DataRow(128 + 28, 1000u, "has 1000 frames")] // of the first thread
    [DataRow(128 + 24, 8u, "frame 8 of a crash")] // where its frames begin
    [DataRow(128 + (128 * 56) + 16, 0u, "impossible allocation")] // kind of the first allocation
    [DataRow(128 + (128 * 56) + 24, 77u, "impossible allocation")] // its stack
    [DataRow(128 + (128 * 56) + (64 * 32), 5u, "text 5 of a crash")] // file name of the first frame
    [DataRow(128 + (128 * 56) + (64 * 32) + (8192 * 16) + 16, 5u, "text 5 of a crash")] // path of the first frame of C
    [DataRow(128 + (128 * 56) + (64 * 32) + (8192 * 16) + (256 * 24) + 4, 90_000u, "has 90000 bytes")] // length of that text
    public void Crash_that_does_not_hold_together_is_refused(int offset, uint value, string expected)
    {
        Assert.IsNotNull(ReadCrash(offset: 72, value: 1)); // a reserved word: nothing is wrong
        File.Delete(Path);
        AssertInvalid(() => ReadCrash(offset, value), expected);
    }

    private CrashContent? ReadCrash(int offset, uint value)
    {
        const int Threads = 128, Allocations = Threads + (128 * 56), Frames = Allocations + (64 * 32), CFrames = Frames + (8192 * 16), Text = CFrames + (256 * 24);
        Build((session, _) =>
        {
            session.AddExtent(6);
            var start = SessionBuilder.HeaderBytes + (((long)session.Get32(512) - 1) * SessionBuilder.ExtentBytes);
            foreach (var (at, word) in (ReadOnlySpan<(int, uint)>)
                     [(0, 2), (4, 11), (44, 1), (48, 1), (52, 1), (56, 2), (60, 16), (64, 1), (Threads + 28, 2), (Allocations + 16, 4), (Frames, 4), (CFrames + 16, 4), (Text + 4, 3), (Text + 8, 0x79702e61), (offset, value)])
                session.Set32(start + at, word);
        });
        using var session = SessionFile.TryOpen(Path, shared: false)!;
        return CrashWriter.Read(session);
    }

    private static unsafe void WriteByte(SessionBuilder session, int offset, byte value) => session.Start[offset] = value;

    private static void Fill(BuiltThread thread)
    {
        for (var i = 0UL; i < 5000; i++)
            thread.Malloc(Obj, A + 16 * i, 1, 0);
    }

    private void AssertDamage(Action<SessionBuilder, BuiltThread> program, string expected)
    {
        File.Delete(Path);
        Build(program);
        AssertInvalid(() => Replayed.From(Path), expected);
    }

    private void Build(Action<SessionBuilder, BuiltThread> program)
    {
        using var session = new SessionBuilder(Path, 4 << 20);
        program(session, session.AddThread());
    }

    private void AssertInvalid(Action action, string expected)
    {
        var exception = Assert.ThrowsExactly<InvalidTraceException>(action);
        StringAssert.StartsWith(exception.Message, Path);
        StringAssert.Contains(exception.Message, expected);
        Assert.IsFalse(exception.Message.Contains('\n'));
    }
}
