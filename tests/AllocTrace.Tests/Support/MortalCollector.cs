using AllocTrace.Events;
using AllocTrace.Journal;
using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Support;

/// <summary>A collector of a running session, which takes over from a dead one and may itself end at any time without a trace.</summary>
internal sealed class MortalCollector : IDisposable
{
    private readonly SessionFile _session;
    private readonly SessionDrain _drain;
    private readonly Func<ulong> _now;

    public MortalCollector(string path, Func<ulong> now, int temporaryThreshold = 1, long shortestJournal = 64 << 20)
    {
        _now = now;
        _session = SessionFile.TryOpen(path, shared: true)!;
        Replay = new ProcessReplay(_session, temporaryThreshold);
        Events = EventLog.Of(_session);
        _drain = new SessionDrain(_session, Replay, new() { IsJournaled = true, IsRest = false, ShortestJournal = shortestJournal, Events = Events });
        using var journal = JournalReader.TryOpen(_session);
        if (journal is not null)
            _drain.TakeOver(journal);

        Round();
    }

    public ProcessReplay Replay { get; }

    /// <summary>The log of every event, if the session requests one.</summary>
    public EventLog? Events { get; }

    public void Round()
    {
        _drain.Round(_now);
        _drain.KeepJournalShort();
    }

    public void TakeSnapshot(uint request, string name)
    {
        _drain.Round(_now);
        _drain.TakeSnapshot(request, name);
    }

    public void Finish()
    {
        _drain.Finish();
        _drain.EndThreads();
        Replay.Finish();
        Events?.Finish();
    }

    /// <summary>Writes the recording. Must be called after <see cref="Finish"/>.</summary>
    public void WriteTo(TraceWriter writer) => writer.Add(_session, Replay, ProcessEnding.Killed, [], Events);

    /// <summary>Releases the resources that the system would release: session and journal are not changed.</summary>
    public void Dispose()
    {
        _drain.Dispose();
        Events?.Dispose();
        Replay.Dispose();
        _session.Dispose();
    }
}
