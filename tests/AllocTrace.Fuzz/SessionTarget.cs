using AllocTrace.Events;
using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Wire;

namespace AllocTrace.Fuzz;

/// <summary>
/// Replays sessions whose process has ended. Now and then an accepted session becomes a database, which reports must accept.
/// </summary>
internal sealed class SessionTarget(IReadOnlyList<Seed> seeds) : Target(seeds)
{
    private const int WritesEach = 100;

    private int _accepted;

    protected override bool Read(Seed seed)
    {
        using var session = SessionFile.TryOpen(seed.Path, shared: false);
        if (session is null)
            return false;

        using var replay = new ProcessReplay(session, temporaryThreshold: 1);
        using var events = EventLog.Of(session);
        using (var drain = new SessionDrain(session, replay, new() { Events = events }))
        {
            drain.Finish();
            drain.EndThreads();
        }

        replay.Finish();
        events?.Finish();
        Check(session, replay, events);
        _ = CrashWriter.Read(session);
        if (_accepted++ % WritesEach == 0)
            Write(session, replay, events, seed.Path + ".db");

        return true;
    }

    /// <summary>Requires the invariants of every replay.</summary>
    private static unsafe void Check(SessionFile session, ProcessReplay replay, EventLog? events)
    {
        long bytes = 0, blocks = 0, calls = 0;
        for (var site = 1u; site < replay.Sites.End; site++)
        {
            var counters = replay.Sites.Counters[site];
            (bytes, blocks) = (bytes + counters.LiveBytes, blocks + counters.LiveBlocks);
            Require(counters.FreedBlocks <= counters.AllocatedBlocks && counters.TemporaryBlocks <= counters.FreedBlocks, "more ended than began");
        }

        Require((bytes, blocks) == (replay.LiveBytes, replay.LiveBlocks), "the places do not add up");
        for (var domain = 0; domain < WireFormat.Domains; domain++)
            calls += ((RecordKind[])[RecordKind.Malloc, RecordKind.Calloc, RecordKind.Realloc, RecordKind.Free]).Sum(kind => replay.Operations(domain, kind).Calls);

        Require(events is null || session.Header->SampleBytes != 0 || events.Events + events.LeftOut == calls, "the log has other events than the replay");
        Require(replay.Snapshots().All(snapshot => snapshot.Sites.All(site => site.Blocks != 0)), "an empty place in a snapshot");
        _ = replay.SliceDifferences().Count();
    }

    private static void Write(SessionFile session, ProcessReplay replay, EventLog? events, string path)
    {
        try
        {
            using (var writer = TraceWriter.Create(path, overwrite: true))
            {
                writer.Add(session, replay, ProcessEnding.Killed, [], events);
                writer.Complete();
            }
        }
        catch (InvalidTraceException)
        {
            return; // strings and stacks are looked at here
        }

        try
        {
            DatabaseTarget.ReadAll(path);
        }
        catch (InvalidTraceException e)
        {
            throw new InvalidOperationException("what was written is not accepted", e);
        }
    }
}
