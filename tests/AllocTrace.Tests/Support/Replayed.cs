using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Support;

/// <summary>A session that was replayed to its end.</summary>
internal sealed class Replayed : IDisposable
{
    private Replayed(SessionFile session, ProcessReplay replay)
    {
        Session = session;
        Replay = replay;
    }

    public SessionFile Session { get; }

    public ProcessReplay Replay { get; }

    /// <summary>Replays a session whose process has ended. The file is not changed.</summary>
    public static Replayed From(string path, int temporaryThreshold = 1)
    {
        var session = SessionFile.TryOpen(path, shared: false)!;
        var replay = new ProcessReplay(session, temporaryThreshold);
        try
        {
            var drain = new SessionDrain(session, replay);
            drain.Finish();
            drain.EndThreads();
            replay.Finish();
            return new Replayed(session, replay);
        }
        catch
        {
            replay.Dispose();
            session.Dispose();
            throw;
        }
    }

    public SnapshotImage Snapshot(SnapshotKind kind) => Replay.Snapshots().Single(snapshot => snapshot.Kind == kind);

    public void Dispose()
    {
        Replay.Dispose();
        Session.Dispose();
    }
}
