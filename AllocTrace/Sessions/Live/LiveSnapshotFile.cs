using System.Diagnostics;

using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>
/// Writes the live blocks of a running process as a small database beside its session: the collector writes it while somebody watches, at most once a
/// second, and so that the writing takes a tenth of its time at most. Peak, snapshots and time slices are added when a report wants them. Used by the
/// session's collector.
/// </summary>
internal sealed unsafe class LiveSnapshotFile(SessionFile session, ProcessReplay replay)
{
    /// <summary>The suffix added to a session's path.</summary>
    public const string Suffix = ".live";

    /// <summary>The time after its last look in which a watcher still counts.</summary>
    private const ulong WatchedNs = 5_000_000_000;

    private const ulong ShortestPauseNs = 1_000_000_000;

    /// <summary>The length of pauses, in multiples of the time of writing.</summary>
    private const ulong PauseForEach = 10;

    private ulong _nextNs;

    /// <summary>Returns its path.</summary>
    public static string PathOf(string session) => session + Suffix;

    /// <summary>Writes it if somebody watches and it is time. If it cannot be written, there is none.</summary>
    public void WriteIfWatched(ulong nowNs, Func<IReadOnlyCollection<Loss>> losses)
    {
        var wanted = Volatile.Read(ref session.Header->LiveWantedNs);
        if (wanted == 0 || nowNs < _nextNs || wanted + WatchedNs < nowNs)
            return;

        var time = Stopwatch.StartNew();
        try
        {
            using var writer = TraceWriter.Create(PathOf(session.Path), overwrite: true, isPrivate: true);
            var withCourse = Volatile.Read(ref session.Header->LiveCourse) != 0;
            if (withCourse)
                writer.AddCourse(session, replay, losses());
            else
                writer.AddSnapshot(session, replay, replay.Present(), losses());
            writer.Complete();
            Volatile.Write(ref session.Header->LiveWrittenNs, nowNs);
            if (withCourse)
                Volatile.Write(ref session.Header->LiveCourse, 0); // after that: who waits for it finds the file complete
        }
        catch (Exception e) when (e is IOException or InvalidTraceException)
        {
            // No room, or the session is damaged: the end of the recording will say so.
        }

        _nextNs = nowNs + Math.Max(ShortestPauseNs, PauseForEach * (ulong)time.Elapsed.TotalNanoseconds);
    }
}
