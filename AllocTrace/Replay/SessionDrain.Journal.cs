using System.Runtime.InteropServices;
using System.Text;

using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

// What is given back to the traced process is in the journal first, a slab at a time, so that another collector can take over at any moment: it
// replays the journal's slabs and the session's together, in the order of their tickets, as if all were seen in one round. The order is right
// for the same reason as in any round: whatever a record depends on was seen with it or before it.
internal sealed unsafe partial class SessionDrain
{
    /// <summary>A checkpoint costs as much as so many times its size of journal: what it adds stays in proportion.</summary>
    private const int JournalForEachCheckpoint = 4;

    private readonly bool _isJournaled;

    /// <summary>Streams of threads that ended in an earlier collector's time, until they are replayed.</summary>
    private readonly List<ThreadStream> _ended = [];

    private readonly Queue<(ulong MonoNs, long Bytes)> _residents = [];
    private JournalWriter? _journal;
    private bool _hasNoJournal;
    private long _lastCheckpoint;
    private long _notBefore;

    /// <summary>How long a journal may become at least, bytes. A variable for tests of programs makes it shorter.</summary>
    public long ShortestJournal { get; init; } = long.TryParse(Environment.GetEnvironmentVariable("ALLOCTRACE_SHORTEST_JOURNAL"), out var bytes) ? bytes : 64 << 20;

    /// <summary>
    /// Whether nothing is given back where no journal can be written: the recording's own database would be in the same folder, and what had been
    /// taken out would be nowhere.
    /// </summary>
    public bool NeedsJournal { get; init; }

    /// <summary>Takes over what an earlier collector had taken out of the session. Before the first round; that one replays it.</summary>
    /// <param name="journal">Has to live until that round is over.</param>
    /// <exception cref="InvalidTraceException">The journal or the session is damaged.</exception>
    public void TakeOver(JournalReader journal)
    {
        _session.Refresh();
        var streams = new Dictionary<(uint Slot, uint Incarnation), ThreadStream>();
        var isAllIn = LoadCheckpoint(journal, streams);
        var snapshots = new List<(nint Entry, int Ended)>();
        JournalEntry* lastSlab = null;
        foreach (JournalEntry* entry in isAllIn ? [] : journal.Entries())
        {
            switch (entry->Kind)
            {
                case JournalKind.Thread:
                    if (!streams.TryAdd((entry->Slot, entry->Incarnation), NewStream(entry)))
                        throw journal.Damaged($"thread slot {entry->Slot} was announced twice");
                    break;

                case JournalKind.Slab:
                    AddArchived(journal, Stream(entry->Slot, entry->Incarnation), entry);
                    lastSlab = entry;
                    break;

                case JournalKind.End:
                    End(Stream(entry->Slot, entry->Incarnation), entry);
                    break;

                case JournalKind.Resident:
                    _residents.Enqueue((entry->First, (long)entry->Second));
                    break;

                case JournalKind.Snapshot:
                    snapshots.Add(((nint)entry, _ended.Count));
                    break;

                default:
                    throw journal.Damaged($"an entry is of kind {entry->Kind}");
            }
        }

        foreach (var stream in streams.Values)
            Settle(journal, stream);

        _ = Journal(); // threads that are met from now on belong into it

        if (lastSlab != null)
            FinishRelease(Stream(lastSlab->Slot, lastSlab->Incarnation), lastSlab);

        foreach (var (entry, ended) in snapshots)
            RetakeSnapshot(journal, (JournalEntry*)entry, ended, Stream);

        ThreadStream Stream(uint slot, uint incarnation) =>
            streams.TryGetValue((slot, incarnation), out var stream) ? stream : throw journal.Damaged($"thread slot {slot} was not announced");
    }

    /// <summary>Notes how much of the process is in memory.</summary>
    public void SampleResident(ulong monoNs, long bytes)
    {
        _replay.Timeline.SampleResident(bytes);
        _journal?.AddResident(monoNs, bytes);
    }

    /// <summary>Takes a snapshot that somebody asked for, after all that the last round replayed.</summary>
    public void TakeSnapshot(uint request, string name)
    {
        Journal()?.AddSnapshot(request, name, [.. _streams.OfType<ThreadStream>().Select(PositionOf)]);
        _replay.TakeSnapshot(name);
    }

    /// <summary>Writes what the replay has come to into a checkpoint when the journal has grown long, and begins the journal anew.</summary>
    public void KeepJournalShort()
    {
        if (_journal is not { IsComplete: true } journal || journal.Length < Math.Max(_notBefore, Math.Max(ShortestJournal, JournalForEachCheckpoint * _lastCheckpoint)))
            return;

        try
        {
            var generation = journal.Generation + 1;
            _lastCheckpoint = CheckpointFile.Write(_session, generation, Save);
            journal.BeginGeneration(generation);
            _notBefore = 0;
        }
        catch (IOException)
        {
            _notBefore = 2 * journal.Length; // no room: perhaps later
        }
    }

    private void Save(BinaryWriter writer)
    {
        _replay.Save(writer);
        ThreadStream[] streams = [.. _streams.OfType<ThreadStream>()];
        writer.WriteAll<StreamState>([.. streams.Select(stream => new StreamState(stream.Slot, stream.Incarnation, stream.Thread.Index, stream.Slab, stream.Position, stream.Ticket))]);
        Events?.Save(writer);
    }

    /// <returns>Whether the journal's entries are in it: the earlier collector was killed before it could begin a new one.</returns>
    private bool LoadCheckpoint(JournalReader journal, Dictionary<(uint Slot, uint Incarnation), ThreadStream> streams)
    {
        if (CheckpointFile.TryOpen(_session) is not var (generation, reader))
            return journal.Generation == 0 ? false : throw journal.Damaged("the checkpoint before it is missing");

        using (reader)
        {
            if (generation != journal.Generation && generation != journal.Generation + 1)
                throw journal.Damaged($"it goes on from checkpoint {journal.Generation}, and there is checkpoint {generation}");

            try
            {
                _replay.Load(reader);
                foreach (var state in reader.ReadAll<StreamState>())
                {
                    if (state.Thread < 0 || state.Thread >= _replay.Threads.Count || _replay.Threads[state.Thread].Domains == null || state.Position < _firstPosition)
                        throw CheckpointFile.Damaged(_session, $"what it says of thread slot {state.Slot} cannot be");

                    streams.TryAdd((state.Slot, state.Incarnation), new ThreadStream(state.Slot, _replay.Threads[state.Thread])
                    {
                        Incarnation = state.Incarnation,
                        Slab = state.Slab,
                        Position = state.Position,
                        Ticket = state.Ticket,
                    });
                }
            }
            catch (Exception e) when (e is EndOfStreamException or FormatException or OverflowException or ArgumentException or IOException)
            {
                throw CheckpointFile.Damaged(_session, "it ends too early");
            }

            LoadEvents(reader);

            _lastCheckpoint = reader.BaseStream.Length;
            if (generation != journal.Generation && _isJournaled)
                Journal()?.BeginGeneration(generation);

            return generation != journal.Generation;
        }
    }

    private void LoadEvents(BinaryReader reader)
    {
        try
        {
            Events?.Load(reader);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointFile.Damaged(_session, "the log of events that it goes on from is missing or damaged");
        }
    }

    /// <summary>The journal, begun when it is first needed.</summary>
    private JournalWriter? Journal()
    {
        if (_journal is not null || !_isJournaled || _hasNoJournal)
            return _journal;

        var isNew = _session.Header->CollectorJournal == 0;
        _journal = JournalWriter.TryOpen(_session, _replay.TemporaryThreshold);
        _hasNoJournal = _journal is null;
        if (_hasNoJournal && NeedsJournal)
            throw new IOException("nothing can be written beside it");

        if (isNew && _journal is not null)
        {
            foreach (var stream in _streams.OfType<ThreadStream>().OrderBy(stream => stream.Thread.Index))
                _journal.AddThread(stream.Name, stream.Thread.OsId, _session.Thread(stream.Slot)->StartedNs);

            _journal.Publish();
        }

        return _journal;
    }

    /// <summary>Keeps a slab that is going to be given back.</summary>
    private static JournalPosition PositionOf(ThreadStream stream) => new() { Slot = stream.Slot, Incarnation = stream.Incarnation, Position = stream.Position };

    private void Keep(ThreadStream stream, SlabHeader* slab) => Journal()?.AddSlab(stream.Name, slab, stream.Slab);

    /// <summary>Keeps the last slab and the end of a thread whose slot is going to be freed.</summary>
    private void KeepEnd(ThreadStream stream, ThreadSlot* thread)
    {
        if (Journal() is not { } journal)
            return;

        if (stream.Limit != 0 && !stream.IsArchived(SequenceOf(stream.Position)))
        {
            var slab = _session.Slab(stream.Slab);
            slab->Used = (uint)(stream.Position - SequenceOf(stream.Position) * WireFormat.SlabBytes); // the thread is gone, the slab is ours
            journal.AddSlab(stream.Name, slab, stream.Slab);
        }

        journal.AddEnd(stream.Name, thread->EndedNs, thread->LostEvents, Encoding.UTF8.GetBytes(stream.Thread.Name));
    }

    private ThreadStream NewStream(JournalEntry* entry) =>
        new(entry->Slot, _replay.AddThread((uint)entry->Second, entry->First)) { Incarnation = entry->Incarnation, Position = _firstPosition };

    private static void AddArchived(JournalReader journal, ThreadStream stream, JournalEntry* entry)
    {
        fixed (byte* payload = JournalReader.Payload(entry))
        {
            var slab = (SlabHeader*)payload;
            var length = entry->Length - JournalEntry.Bytes;
            if (stream.Archive.Count == 0)
                stream.FirstArchived = entry->First;

            var isNext = entry->First == stream.FirstArchived + (ulong)stream.Archive.Count;
            if (length < sizeof(SlabHeader) || slab->Used != length || length > WireFormat.SlabBytes || length % 8 != 0 || !isNext || slab->Sequence != entry->First)
                throw journal.Damaged($"slab {entry->First} of thread slot {stream.Slot} is not what it should be");

            stream.Archive.Add((nint)slab);
            stream.Slab = (uint)entry->Second;
        }
    }

    private void End(ThreadStream stream, JournalEntry* entry)
    {
        stream.End = new ArchivedEnd(entry->First, entry->Second, PythonText.Decode(JournalReader.Payload(entry)));
        if (stream.Archive is [.., var last])
            stream.Limit = ((SlabHeader*)last)->Sequence * (ulong)WireFormat.SlabBytes + ((SlabHeader*)last)->Used;

        _ended.Add(stream);
    }

    /// <summary>Connects a stream with what is left of it in the session.</summary>
    private void Settle(JournalReader journal, ThreadStream stream)
    {
        if (stream.Archive.Count > 0 && stream.FirstArchived != SequenceOf(stream.Position))
            throw journal.Damaged($"the first slabs of thread slot {stream.Slot} are missing");

        if (stream.Slot >= _session.ThreadCount)
            throw journal.Damaged($"thread slot {stream.Slot} does not exist");

        var thread = _session.Thread(stream.Slot);
        var isPresent = thread->Incarnation == stream.Incarnation && (ThreadSlotState)Volatile.Read(ref thread->State) is ThreadSlotState.Live or ThreadSlotState.Ended;
        if (stream.End is not null)
        {
            if (isPresent && (ThreadSlotState)thread->State == ThreadSlotState.Ended)
                FreeSlot(thread); // it was killed between the two
            return;
        }

        if (!isPresent)
            throw journal.Damaged($"thread slot {stream.Slot} is another thread's");

        while (stream.Slot >= _streams.Count)
            _streams.Add(null);

        stream.Thread.Name = NameOf(thread);
        if (stream.Archive.Count == 0 && stream.Position == _firstPosition)
            stream.Slab = thread->FirstSlab;

        _streams[(int)stream.Slot] = stream;
    }

    /// <summary>The earlier collector may have been killed after it kept a slab, before it gave that one back.</summary>
    private void FinishRelease(ThreadStream stream, JournalEntry* entry)
    {
        var slab = _session.Slab((uint)entry->Second);
        var isLeft = stream.End is not null || SequenceOf(_session.Thread(stream.Slot)->Cursor) > entry->First;
        if (isLeft && slab->Thread == stream.Slot && slab->Sequence == entry->First)
            _session.Release((uint)entry->Second);
    }

    /// <remarks>By then so many threads of <see cref="_ended"/> had ended.</remarks>
    private void RetakeSnapshot(JournalReader journal, JournalEntry* entry, int ended, Func<uint, uint, ThreadStream> find)
    {
        var payload = JournalReader.Payload(entry);
        if (entry->First > (ulong)payload.Length / JournalPosition.Bytes)
            throw journal.Damaged("a snapshot's positions are missing");

        var positions = MemoryMarshal.Cast<byte, JournalPosition>(payload[..((int)entry->First * JournalPosition.Bytes)]);
        _newestTicket = ulong.MaxValue;
        foreach (var stream in _ended.Take(ended))
            Enqueue(stream);

        var laterEnds = new List<(ThreadStream Stream, ulong Limit)>();
        foreach (var position in positions)
        {
            var stream = find(position.Slot, position.Incarnation);
            laterEnds.Add((stream, stream.Limit));
            stream.Limit = position.Position;
            Enqueue(stream);
        }

        Merge();
        foreach (var (stream, limit) in laterEnds)
            stream.Limit = limit;

        var name = PythonText.Decode(payload[((int)entry->First * JournalPosition.Bytes)..]);
        _replay.TakeSnapshot(name);
        if (entry->Slot == _session.Header->Requested)
            Volatile.Write(ref _session.Header->Answered, entry->Slot);
    }

    private void SampleResidents(ulong monoNs)
    {
        while (_residents.TryPeek(out var sample) && sample.MonoNs <= monoNs)
        {
            _residents.Dequeue();
            _replay.AdvanceTo(sample.MonoNs);
            _replay.Timeline.SampleResident(sample.Bytes);
        }
    }

    public void Dispose() => _journal?.Dispose();

    private void EndArchived()
    {
        foreach (var stream in _ended)
        {
            stream.Thread.Name = stream.End!.Name;
            stream.Thread.End(_replay.SinceStart(stream.End.EndedMonoNs), (long)Math.Min(stream.End.LostEvents, Loss.Most));
        }

        _ended.Clear();
    }
}

/// <summary>How far a stream was replayed, in a checkpoint.</summary>
internal readonly record struct StreamState(uint Slot, uint Incarnation, int Thread, uint Slab, ulong Position, ulong Ticket);
