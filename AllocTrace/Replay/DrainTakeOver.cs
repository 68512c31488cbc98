using System.Runtime.InteropServices;

using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Restores the records that an earlier collector took out of a session: the checkpoint, then the journal's slabs. The next round replays
/// these and the session's together, in the order of their tickets, as if all were found in one round. The order is right for the same
/// reason as in any round: the records on which a record depends were found with it or before it.
/// </summary>
/// <param name="session">Not owned.</param>
/// <param name="replay">Not owned; gets the checkpoint's content.</param>
/// <param name="streams">The drain's; gets the streams that are found.</param>
/// <param name="kept">The journal that this collector continues.</param>
/// <param name="options">The options of the drain.</param>
internal sealed unsafe class DrainTakeOver(SessionFile session, ProcessReplay replay, StreamTable streams, DrainJournal kept, DrainOptions options)
{
    private readonly Dictionary<StreamName, ThreadStream> _streams = [];

    /// <summary>
    /// Samples of resident memory that the earlier collector took, the oldest first, until the replay reaches their time.
    /// </summary>
    public Queue<(ulong MonoNs, long Bytes)> Residents { get; } = [];

    /// <summary>Reads checkpoint and journal.</summary>
    /// <param name="journal">The journal; must live until the next round is over.</param>
    /// <returns>The snapshots that the earlier collector had taken, in order: each has to be taken again.</returns>
    /// <exception cref="InvalidTraceException">The journal or the session is damaged.</exception>
    public List<EarlierSnapshot> Read(JournalReader journal)
    {
        var isAllIn = LoadCheckpoint(journal);
        var snapshots = new List<EarlierSnapshot>();
        JournalEntry* lastSlab = null;
        foreach (JournalEntry* entry in isAllIn ? [] : journal.Entries())
        {
            if (entry->Kind == JournalKind.Slab)
                lastSlab = entry;

            if (entry->Kind == JournalKind.Snapshot)
                snapshots.Add(ReadSnapshot(journal, entry));
            else
                ReadEntry(journal, entry);
        }

        foreach (var stream in _streams.Values)
            Settle(journal, stream);

        kept.Begin();
        if (lastSlab != null)
            FinishRelease(Stream(journal, lastSlab->Slot, lastSlab->Incarnation), lastSlab);

        return snapshots;
    }

    private void ReadEntry(JournalReader journal, JournalEntry* entry)
    {
        switch (entry->Kind)
        {
            case JournalKind.Thread:
                if (!_streams.TryAdd(new(entry->Slot, entry->Incarnation), NewStream(entry)))
                    throw journal.Damaged($"thread slot {entry->Slot} was announced twice");
                break;

            case JournalKind.Slab:
                AddArchived(journal, Stream(journal, entry->Slot, entry->Incarnation), entry);
                break;

            case JournalKind.End:
                End(Stream(journal, entry->Slot, entry->Incarnation), entry);
                break;

            case JournalKind.Resident:
                Residents.Enqueue((entry->First, (long)entry->Second));
                break;

            default:
                throw journal.Damaged($"an entry is of kind {entry->Kind}");
        }
    }

    private ThreadStream Stream(JournalReader journal, uint slot, uint incarnation) =>
        _streams.TryGetValue(new(slot, incarnation), out var stream) ? stream : throw journal.Damaged($"thread slot {slot} was not announced");

    private ThreadStream NewStream(JournalEntry* entry) =>
        new(entry->Slot, replay.AddThread((uint)entry->Second, entry->First)) { Incarnation = entry->Incarnation, Position = StreamPosition.First };

    /// <returns>True if the journal's entries are in it: the earlier collector was killed before it could begin a new one.</returns>
    private bool LoadCheckpoint(JournalReader journal)
    {
        if (CheckpointFile.TryOpen(session) is not var (generation, reader))
            return journal.Generation == 0 ? false : throw journal.Damaged("the checkpoint before it is missing");

        using (reader)
        {
            if (generation != journal.Generation && generation != journal.Generation + 1)
                throw journal.Damaged($"it follows checkpoint {journal.Generation}, but there is checkpoint {generation}");

            try
            {
                replay.Load(reader);
                foreach (var state in reader.ReadAll<StreamState>())
                    AddStream(state);
            }
            catch (Exception e) when (e is EndOfStreamException or FormatException or OverflowException or ArgumentException or IOException)
            {
                throw CheckpointFile.Damaged(session, "it ends too early");
            }

            LoadEvents(reader);
            var holdsEntries = generation != journal.Generation;
            kept.GoOnFrom(generation, holdsEntries);
            return holdsEntries;
        }
    }

    private void AddStream(StreamState state)
    {
        if (state.Thread < 0 || state.Thread >= replay.Threads.Count || replay.Threads[state.Thread].Domains == null || state.Position < StreamPosition.First)
            throw CheckpointFile.Damaged(session, $"its data of thread slot {state.Slot} is impossible");

        _streams.TryAdd(new(state.Slot, state.Incarnation), new ThreadStream(state.Slot, replay.Threads[state.Thread])
        {
            Incarnation = state.Incarnation,
            Slab = state.Slab,
            Position = state.Position,
            Ticket = state.Ticket,
        });
    }

    private void LoadEvents(BinaryReader reader)
    {
        try
        {
            options.Events?.Load(reader);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointFile.Damaged(session, "the event log that it continues is missing or damaged");
        }
    }

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
                throw journal.Damaged($"slab {entry->First} of thread slot {stream.Slot} is not the expected one");

            stream.Archive.Add((nint)slab);
            stream.Slab = (uint)entry->Second;
        }
    }

    private void End(ThreadStream stream, JournalEntry* entry)
    {
        stream.End = new JournaledThreadEnd(entry->First, entry->Second, PythonText.Decode(JournalReader.Payload(entry)));
        if (stream.Archive is [.., var last])
            stream.Limit = StreamPosition.StartOf(((SlabHeader*)last)->Sequence) + ((SlabHeader*)last)->Used;

        streams.Archived.Add(stream);
    }

    /// <summary>Connects a stream with what is left of it in the session.</summary>
    private void Settle(JournalReader journal, ThreadStream stream)
    {
        if (stream.Archive.Count > 0 && stream.FirstArchived != StreamPosition.SequenceOf(stream.Position))
            throw journal.Damaged($"the first slabs of thread slot {stream.Slot} are missing");

        if (stream.Slot >= session.ThreadCount)
            throw journal.Damaged($"thread slot {stream.Slot} does not exist");

        var thread = session.Thread(stream.Slot);
        var isPresent = thread->Incarnation == stream.Incarnation && thread->CurrentState is ThreadSlotState.Live or ThreadSlotState.Ended;
        if (stream.End is not null)
        {
            if (isPresent && thread->CurrentState == ThreadSlotState.Ended)
                thread->Free(); // the earlier collector was killed between the two
            return;
        }

        if (!isPresent)
            throw journal.Damaged($"thread slot {stream.Slot} belongs to another thread");

        stream.Thread.Name = thread->DecodeName();
        if (stream.Archive.Count == 0 && stream.Position == StreamPosition.First)
            stream.Slab = thread->FirstSlab;

        streams[stream.Slot] = stream;
    }

    /// <summary>The earlier collector may have been killed after it kept a slab, before it gave that one back.</summary>
    private void FinishRelease(ThreadStream stream, JournalEntry* entry)
    {
        var slab = session.Slab((uint)entry->Second);
        var isLeft = stream.End is not null || StreamPosition.SequenceOf(session.Thread(stream.Slot)->Cursor) > entry->First;
        if (isLeft && slab->Thread == stream.Slot && slab->Sequence == entry->First)
            session.Release((uint)entry->Second);
    }

    private EarlierSnapshot ReadSnapshot(JournalReader journal, JournalEntry* entry)
    {
        var payload = JournalReader.Payload(entry);
        if (entry->First > (ulong)payload.Length / JournalPosition.Bytes)
            throw journal.Damaged("a snapshot's positions are missing");

        var bytes = (int)entry->First * JournalPosition.Bytes;
        var positions = MemoryMarshal.Cast<byte, JournalPosition>(payload[..bytes]).ToArray();
        return new EarlierSnapshot(
            entry->Slot,
            PythonText.Decode(payload[bytes..]),
            streams.Archived.Count,
            [.. positions.Select(position => (Stream(journal, position.Slot, position.Incarnation), position.Position))]);
    }
}

/// <summary>A snapshot that an earlier collector took.</summary>
/// <param name="Request">The request that it answered.</param>
/// <param name="Name">Its name.</param>
/// <param name="Ended">The number of threads of <see cref="StreamTable.Archived"/> that had ended before.</param>
/// <param name="Positions">The position up to which each other thread was replayed.</param>
internal sealed record EarlierSnapshot(uint Request, string Name, int Ended, IReadOnlyList<(ThreadStream Stream, ulong Position)> Positions);
