using System.Diagnostics;

using AllocTrace.Memory;
using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>
/// Writes the live blocks of a running process as a small database beside its session. The collector writes it while a command watches, at
/// most once a second, and for at most a tenth of its time. Peak, snapshots and time slices are added for reports. Used by the session's
/// collector.
/// </summary>
/// <param name="session">The session; not owned.</param>
/// <param name="replay">Its replay; not owned.</param>
/// <param name="objects">The types and holders of its snapshots; not owned.</param>
/// <param name="readMap">Reads the present mappings of the process.</param>
/// <param name="group">The control group that limits its memory.</param>
internal sealed unsafe class LiveSnapshotFile(SessionFile session, ProcessReplay replay, ObjectCapture objects, Func<MemoryMap?> readMap, ControlGroup? group)
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

    private MemoryAccount? AccountIfWanted(ulong nowNs)
    {
        var wanted = Volatile.Read(ref session.Header->MemoryWantedNs);
        return wanted != 0 && wanted + WatchedNs >= nowNs && readMap() is { } map ? replay.Memory.Account(map, SnapshotKind.Live, "") : null;
    }

    /// <summary>Writes the database if a command watches and it is time. If it cannot be written, there is none.</summary>
    public void WriteIfWatched(ulong nowNs, Func<IReadOnlyCollection<Loss>> losses)
    {
        var wanted = Volatile.Read(ref session.Header->LiveWantedNs);
        if (wanted == 0 || nowNs < _nextNs || wanted + WatchedNs < nowNs)
            return;

        var time = Stopwatch.StartNew();
        try
        {
            using var writer = TraceWriter.Create(PathOf(session.Path), overwrite: true, isPrivate: true);
            var account = AccountIfWanted(nowNs);
            var withCourse = Volatile.Read(ref session.Header->LiveCourse) != 0;
            if (withCourse)
                writer.AddCourse(session, replay, losses(), objects.Contents, account, group);
            else
                writer.AddSnapshot(session, replay, replay.Present(), losses(), objects: null, account, group);
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
