using AllocTrace.Journal;
using AllocTrace.Replay;
using AllocTrace.Testing;
using AllocTrace.Wire;

namespace AllocTrace.Benchmarks;

/// <summary>Measures the speed at which recorded slabs are replayed.</summary>
internal static class ReplayBenchmark
{
    private const long Records = 10_000_000;
    private const int Runs = 7;
    private const int FileBytes = 200 << 20;

    /// <summary>The number of slabs that a collector finds at a look: half of those that circulate.</summary>
    private const int SlabsEachRound = 64;

    /// <summary>Measures with a number of live documents.</summary>
    public static void Run(int documents)
    {
        var path = Path.Combine(Path.GetTempPath(), $"alloctrace-benchmark-{Environment.ProcessId}.alloctrace");
        try
        {
            using var session = new SessionBuilder(path, capacity: FileBytes);
            var written = new JsonLikeProgram(session, documents).Run(Records);
            foreach (var isJournaled in (bool[])[false, true])
            {
                var best = 0.0;
                for (var run = 0; run < Runs; run++)
                    best = Math.Max(best, RecordsPerSecond(path, written, isJournaled));

                Console.WriteLine($"{documents,4} documents alive{(isJournaled ? ", journaled" : "")}: {best / 1e6:F0} M records per second of CPU, the best of {Runs} runs");
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static double RecordsPerSecond(string path, long records, bool isJournaled)
    {
        using var file = SessionFile.TryOpen(path, shared: false)!;
        using var replay = new ProcessReplay(file, temporaryThreshold: 1);
        using var drain = new SessionDrain(file, replay, new() { IsJournaled = isJournaled, IsRest = !isJournaled });
        MapPages(file);
        var before = Environment.CpuUsage.TotalTime;
        foreach (var limit in Looks(file))
        {
            SetCursor(file, limit);
            drain.Round(nowNs: null);
            drain.KeepJournalShort();
        }

        var seconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        JournalFormat.RemoveBeside(path);
        return records / seconds;
    }

    // The position of the one thread of the file at each look.
    private static unsafe ulong[] Looks(SessionFile file)
    {
        var end = file.Thread(0)->Cursor;
        var last = StreamPosition.SequenceOf(end);
        var looks = new List<ulong>();
        for (ulong sequence = SlabsEachRound; sequence < last; sequence += SlabsEachRound)
            looks.Add(StreamPosition.StartOf(sequence) + file.Slab((uint)sequence)->Used);

        return [.. looks, end];
    }

    private static unsafe void SetCursor(SessionFile file, ulong limit) => Volatile.Write(ref file.Thread(0)->Cursor, limit);

    // A collector's slabs are few, and mapped since long: the system's work to map a file of this size for the first time is not the replay's.
    private static unsafe void MapPages(SessionFile file)
    {
        for (var slab = 0u; slab < file.Header->Slabs; slab++)
        {
            for (var at = 0; at < WireFormat.SlabBytes; at += 4096)
                Volatile.Read(ref ((byte*)file.Slab(slab))[at]);

            Volatile.Write(ref file.Slab(slab)->Used, file.Slab(slab)->Used); // giving a slab back writes there
        }
    }
}
