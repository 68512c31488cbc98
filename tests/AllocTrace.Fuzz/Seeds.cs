using System.IO.Compression;
using AllocTrace.Events;
using AllocTrace.Journal;
using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Wire;

namespace AllocTrace.Fuzz;

/// <summary>The sound files from which inputs are made, the same each time.</summary>
internal static class Seeds
{
    private const int SessionBytes = 2 << 20, Obj = 2, Tracked = 3, Sampled = 64, EventsBytes = 504;

    /// <summary>Returns a real session, a session with everything that one can have, and one with samples.</summary>
    public static IReadOnlyList<Seed> Sessions(string folder) =>
    [
        Unpack("real.alloctrace.gz", Path.Combine(folder, "real.alloctrace")),
        Seed.Of(Build(Path.Combine(folder, "built.alloctrace"), sampled: false)),
        Seed.Of(Build(Path.Combine(folder, "sampled.alloctrace"), sampled: true)),
    ];

    public static IReadOnlyList<Seed> Journals(string folder) => [.. LeftOver(folder, shortestJournal: 64 << 20, "*.journal")];

    public static IReadOnlyList<Seed> Checkpoints(string folder) => [.. LeftOver(folder, shortestJournal: 0, "*.checkpoint")];

    /// <summary>Returns a real database of an earlier version, and two with events, a crash and several threads.</summary>
    public static IReadOnlyList<Seed> Databases(string folder) =>
        [Unpack("schema-2.db.gz", Path.Combine(folder, "kept.db")), .. Sessions(folder).Skip(1).Select(seed => Database(seed.Path))];

    /// <summary>Returns some blocks of real processes, of the oldest CPython and of a new one.</summary>
    public static IReadOnlyList<Seed> Images(string folder) => [.. ((string[])["3.8", "3.14"]).Select(version => Unpack($"objects-{version}.image.gz", Path.Combine(folder, $"{version}.image")))];

    private static Seed Unpack(string name, string path)
    {
        using (var packed = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "seeds", name)), CompressionMode.Decompress))
        using (var file = File.Create(path))
            packed.CopyTo(file);

        return Seed.Of(path);
    }

    private static string Build(string path, bool sampled)
    {
        using var session = new SessionBuilder(path, SessionBytes);
        session.Set64(Sampled, sampled ? 4096UL : 0);
        session.Set64(EventsBytes, 1 << 20);
        Run(session, sampled);
        session.End();
        return path;
    }

    private static void Run(SessionBuilder session, bool sampled)
    {
        session.Set32(100 + (4 * Tracked), 389047);
        var stacks = session.AddStacks(12);
        var interpreter = session.AddNode(0, uint.MaxValue, 3);
        session.Set32(172, 1); // one sub-interpreter
        uint[] nodes = [0, 1, .. stacks, interpreter, session.AddNode(interpreter, 0, 7), session.AddNode(stacks[^1], uint.MaxValue - 1, 5 | 9 << 12)];
        var random = new Random(1);
        BuiltThread[] threads = [session.AddThread(), session.AddThread("worker"), session.AddThread("third")];
        for (var i = 0; i < 300; i++)
        {
            session.NowNs += (ulong)random.Next(1_000_000);
            var thread = threads[random.Next(threads.Length)];
            var (domain, address, size, node) = (random.Next(4), 0x7F00_0000_0000 + ((ulong)random.Next(60) * 0x4010), (ulong)random.Next(2000), nodes[random.Next(nodes.Length)]);
            switch (random.Next(12))
            {
                case < 4:
                    if (sampled)
                        thread.Context((ulong)random.Next(3), 1, (ulong)random.Next(5));
                    thread.Malloc(domain, address, size, node);
                    break;
                case < 8:
                    if (sampled)
                        thread.Append(13UL << 60 | (uint)random.Next(3));
                    thread.Free(domain, address);
                    break;
                case 8:
                    thread.Calloc(domain, address, random.Next(3) == 0 ? 1UL << 33 : size, node);
                    break;
                case 9:
                    thread.ReallocBegin(domain, address);
                    thread.Realloc(domain, address + 64, size, node);
                    break;
                case 10:
                    thread.ReallocBegin(domain, address);
                    thread.ReallocFailed(domain, address);
                    break;
                default:
                    Mark(session, thread, i);
                    break;
            }
        }

        threads[0].LeaveSlab();
        for (var i = 0UL; i < 50; i++)
            threads[0].Malloc(Obj, 0x7F10_0000_0000 + (16 * i), 8, nodes[i % 10]);

        threads[2].End();
        AddCrash(session);
    }

    private static void Mark(SessionBuilder session, BuiltThread thread, int number)
    {
        if (number % 3 == 0)
            thread.Mark(2, session.AddString($"snapshot {number}"));
        else if (number % 3 == 1)
            thread.Lost(5, session.NowNs, session.NowNs + 7);
        else
            thread.Mark(number % 2 == 0 ? 1 : 3, session.NowNs);
    }

    /// <summary>Adds a crash with one thread, two frames and an allocation.</summary>
    private static void AddCrash(SessionBuilder session)
    {
        const int Threads = 128, Allocations = Threads + (128 * 56), Frames = Allocations + (64 * 32), Text = Frames + (8192 * 16);
        session.AddExtent(6);
        var start = SessionBuilder.HeaderBytes + (((long)session.Get32(512) - 1) * SessionBuilder.ExtentBytes);
        foreach (var (at, word) in (ReadOnlySpan<(int, uint)>)
                 [(0, 2), (4, 11), (44, 1), (48, 1), (52, 1), (56, 2), (60, 16), (Threads + 28, 2), (Allocations + 16, 4), (Frames, 4), (Text + 4, 3), (Text + 8, 0x79702e61)])
            session.Set32(start + at, word);
    }

    /// <summary>Returns two variants of the files that a killed collector left beside a session.</summary>
    private static IEnumerable<Seed> LeftOver(string folder, long shortestJournal, string pattern)
    {
        foreach (var sampled in (bool[])[false, true])
        {
            var path = Path.Combine(folder, $"left-{sampled}.alloctrace");
            using (var builder = new SessionBuilder(path, SessionBytes))
            {
                builder.Set64(Sampled, sampled ? 4096UL : 0);
                builder.Set64(EventsBytes, sampled ? 0UL : 1 << 20);
                Run(builder, sampled);
                using var session = SessionFile.TryOpen(path, shared: true)!;
                using var replay = new ProcessReplay(session, temporaryThreshold: 1);
                using var events = EventLog.Of(session);
                using var drain = new SessionDrain(session, replay, new() { IsJournaled = true, IsRest = false, ShortestJournal = shortestJournal, Events = events });
                drain.Round(() => builder.NowNs);
                drain.SampleResident(builder.NowNs, 1 << 20);
                drain.TakeSnapshot(1, "asked for");
                drain.KeepJournalShort();
            }

            yield return Seed.Of(Directory.GetFiles(folder, $"{Path.GetFileName(path)}{pattern}").Single());
        }
    }

    private static Seed Database(string session)
    {
        var path = session + ".db";
        using (var file = SessionFile.TryOpen(session, shared: false)!)
        using (var replay = new ProcessReplay(file, temporaryThreshold: 1))
        using (var events = EventLog.Of(file))
        using (var drain = new SessionDrain(file, replay, new() { Events = events }))
        using (var writer = TraceWriter.Create(path, overwrite: true))
        {
            drain.Finish();
            drain.EndThreads();
            replay.Finish();
            events?.Finish();
            writer.Add(file, replay, ProcessEnding.Killed, [], events);
            writer.Complete();
        }

        return Seed.Of(path);
    }
}
