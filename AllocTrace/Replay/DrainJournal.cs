using System.Text;

using AllocTrace.Events;
using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Keeps the records that a drain takes from the traced process, a slab at a time and before it releases the slab, so that another
/// collector can take over at any time (<see cref="DrainTakeOver"/>). A checkpoint of the replay replaces a long journal. Used by one
/// thread.
/// </summary>
/// <param name="session">Not owned.</param>
/// <param name="replay">Not owned; a checkpoint saves it.</param>
/// <param name="streams">The drain's; a checkpoint saves how far each was replayed.</param>
/// <param name="options">The options of the drain.</param>
internal sealed unsafe class DrainJournal(SessionFile session, ProcessReplay replay, StreamTable streams, DrainOptions options) : IDisposable
{
    /// <summary>
    /// The length of a journal in multiples of the checkpoint that replaces it: with the first, the checkpoint costs little beside the replay; with
    /// the second it stays in proportion, and a journal of a large state does not take more memory than need be.
    /// </summary>
    private const int CheapCheckpoint = 16, LeastForEachCheckpoint = 4;

    /// <summary>The length up to which a checkpoint may cost more than that, in multiples of <see cref="DrainOptions.ShortestJournal"/>.</summary>
    private const int UsualLengths = 8;

    private JournalWriter? _writer;
    private bool _isRefused;
    private long _notBefore;

    /// <summary>Begins the journal now, or continues the one that an earlier collector left: threads that are met from now on belong into it.</summary>
    /// <exception cref="IOException">None can be written, and <see cref="DrainOptions.NeedsJournal"/> is set.</exception>
    public void Begin() => _ = Writer();

    /// <summary>Notes a thread that was met. Threads that were met before the journal begins are added when it does.</summary>
    public void AddThread(ThreadStream stream, ulong startedMonoNs) => _writer?.AddThread(stream.Name, stream.Thread.OsId, startedMonoNs);

    /// <summary>Keeps a slab that will be released.</summary>
    public void AddSlab(ThreadStream stream, SlabHeader* slab) => Writer()?.AddSlab(stream.Name, slab, stream.Slab);

    /// <summary>Keeps the last slab and the end of a thread whose slot is about to be freed.</summary>
    public void AddEnd(ThreadStream stream, ThreadSlot* thread)
    {
        if (Writer() is not { } writer)
            return;

        var sequence = StreamPosition.SequenceOf(stream.Position);
        if (stream.Limit != 0 && !stream.IsArchived(sequence))
        {
            var slab = session.Slab(stream.Slab);
            slab->Used = (uint)(stream.Position - StreamPosition.StartOf(sequence)); // the thread is gone, the slab is ours
            writer.AddSlab(stream.Name, slab, stream.Slab);
        }

        writer.AddEnd(stream.Name, thread->EndedNs, thread->LostEvents, Encoding.UTF8.GetBytes(stream.Thread.Name));
    }

    /// <summary>Notes the bytes of the process that are in memory.</summary>
    public void AddResident(ulong monoNs, long bytes) => _writer?.AddResident(monoNs, bytes);

    /// <summary>Notes that a snapshot was taken, and how far each thread had been replayed then.</summary>
    public void AddSnapshot(uint request, string name) => Writer()?.AddSnapshot(
        request, name, [.. streams.Present.Select(stream => new JournalPosition { Slot = stream.Slot, Incarnation = stream.Incarnation, Position = stream.Position })]);

    /// <summary>Writes the state of the replay into a checkpoint when the journal is long, and begins a new journal.</summary>
    public void KeepShort()
    {
        if (_writer is not { IsComplete: true } writer || writer.Length < Math.Max(_notBefore, LongEnough()))
            return;

        try
        {
            var generation = writer.Generation + 1;
            CheckpointFile.Write(session, generation, Save);
            writer.BeginGeneration(generation);
            _notBefore = 0;
        }
        catch (IOException)
        {
            _notBefore = 2 * writer.Length; // no room: perhaps later
        }
    }

    /// <summary>A checkpoint of an earlier collector was loaded.</summary>
    /// <param name="generation">The checkpoint's.</param>
    /// <param name="holdsEntries">
    /// True if it has the entries of the journal: the earlier collector was killed before it could begin a new journal.
    /// </param>
    public void GoOnFrom(uint generation, bool holdsEntries)
    {
        if (holdsEntries && options.IsJournaled)
            Writer()?.BeginGeneration(generation);
    }

    public void Dispose() => _writer?.Dispose();

    /// <summary>
    /// The length at which a journal is replaced, bytes: soon, because what is written over costs a fraction of what is new. A journal of a process
    /// that has forked stays longer, because a collector that takes over finds what children began with in it.
    /// </summary>
    private long LongEnough()
    {
        if (options.ShortestJournal == 0)
            return 0;

        var checkpoint = replay.StateBytes;
        var usual = Math.Max(UsualLengths * options.ShortestJournal, LeastForEachCheckpoint * checkpoint);
        return replay.LastFork != 0 ? usual : Math.Max(options.ShortestJournal, Math.Min(CheapCheckpoint * checkpoint, usual));
    }

    private void Save(BinaryWriter writer)
    {
        replay.Save(writer);
        writer.WriteAll<StreamState>([.. streams.Present.Select(stream => new StreamState(stream.Slot, stream.Incarnation, stream.Thread.Index, stream.Slab, stream.Position, stream.Ticket))]);
        options.Events?.Save(writer);
    }

    /// <summary>The journal, begun when it is first needed.</summary>
    private JournalWriter? Writer()
    {
        if (_writer is not null || !options.IsJournaled || _isRefused)
            return _writer;

        var isNew = session.Header->CollectorJournal == 0;
        _writer = JournalWriter.TryOpen(session, replay.TemporaryThreshold);
        _isRefused = _writer is null;
        if (_isRefused && options.NeedsJournal)
            throw new IOException("nothing can be written beside it");

        if (isNew && _writer is not null)
        {
            foreach (var stream in streams.Present.OrderBy(stream => stream.Thread.Index))
                AddThread(stream, session.Thread(stream.Slot)->StartedNs);

            _writer.Publish();
        }

        return _writer;
    }
}

/// <summary>The position of a stream in a checkpoint.</summary>
internal readonly record struct StreamState(uint Slot, uint Incarnation, int Thread, uint Slab, ulong Position, ulong Ticket);
