using AllocTrace.Journal;
using AllocTrace.Memory;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// Takes a session's records out in rounds and replays them in an order in which the allocator can have acted. Why the order is right:
/// docs/ordering.md. Used by one thread.
/// </summary>
internal sealed unsafe class SessionDrain : IDisposable
{
    private readonly SessionFile _session;
    private readonly ProcessReplay _replay;
    private readonly DrainOptions _options;
    private readonly StreamTable _streams = new();
    private readonly DrainJournal _journal;
    private readonly ThreadEnds _ends;

    /// <summary>Samples of resident memory that an earlier collector took; empty after the replay has reached their time.</summary>
    private Queue<(ulong MonoNs, long Bytes)> _residents = [];

    /// <summary>Streams with records that may be replayed, the oldest batch first.</summary>
    private readonly PriorityQueue<ThreadStream, ulong> _waiting = new();

    private ulong _newestTicket;

    /// <summary>The value of <see cref="DrainedBytes"/> at which sums are checked again.</summary>
    private ulong _checkedAt;

    /// <summary>The time at which a round had looked, in CLOCK_MONOTONIC nanoseconds: no record that it found is later.</summary>
    private ulong _lookedNs = ulong.MaxValue;

    /// <param name="session">Not owned.</param>
    /// <param name="replay">Not owned.</param>
    /// <param name="options">The options of the drain; by default the rest of the session is drained, without a journal.</param>
    public SessionDrain(SessionFile session, ProcessReplay replay, DrainOptions? options = null)
    {
        _session = session;
        _replay = replay;
        _options = options ?? new();
        _journal = new DrainJournal(session, replay, _streams, _options);
        _ends = new ThreadEnds(session, replay, _streams, _journal);
    }

    /// <summary>Bytes of records that were replayed.</summary>
    public ulong DrainedBytes { get; private set; }

    /// <summary>Takes over what an earlier collector had taken out of the session. Before the first round; that one replays it.</summary>
    /// <param name="journal">Has to live until that round is over.</param>
    /// <exception cref="InvalidTraceException">The journal or the session is damaged.</exception>
    public void TakeOver(JournalReader journal)
    {
        _session.Refresh();
        var earlier = new DrainTakeOver(_session, _replay, _streams, _journal, _options);
        _residents = earlier.Residents;
        foreach (var snapshot in earlier.Read(journal))
            RetakeSnapshot(snapshot);
    }

    /// <summary>Notes how much of the process is in memory.</summary>
    public void SampleResident(ulong monoNs, long bytes)
    {
        _replay.Timeline.SampleResident(bytes);
        _journal.AddResident(monoNs, bytes);
    }

    /// <summary>Takes a requested snapshot, after all that the last round replayed.</summary>
    /// <param name="request">The number of the request.</param>
    /// <param name="name">The snapshot's name.</param>
    /// <param name="map">The mappings of the process at that time; <see langword="null"/> if unknown.</param>
    public SnapshotImage TakeSnapshot(uint request, string name, MemoryMap? map = null)
    {
        _journal.AddSnapshot(request, name);
        var snapshot = _replay.TakeSnapshot(name);
        if (map is not null)
            _replay.Memory.AddAccount(map, SnapshotKind.Named, name);

        return snapshot;
    }

    /// <inheritdoc cref="DrainJournal.KeepShort"/>
    public void KeepJournalShort() => _journal.KeepShort();

    /// <summary>Replays the records that can be replayed, and releases slabs and thread slots that are no longer used.</summary>
    /// <param name="nowNs">Reads CLOCK_MONOTONIC while the process runs; <see langword="null"/> if only the records have the time.</param>
    /// <returns>True if there was anything.</returns>
    /// <exception cref="InvalidTraceException">The session is damaged; everything before counts.</exception>
    public bool Round(Func<ulong>? nowNs)
    {
        _session.Refresh();
        Look();

        foreach (var stream in _streams.Archived)
            Enqueue(stream);

        // The looks are done: everything that they found has happened by now.
        _lookedNs = nowNs?.Invoke() ?? ulong.MaxValue;
        var before = DrainedBytes;
        Merge();
        if (nowNs is not null)
            _replay.AdvanceTo(_lookedNs);

        _ends.Recycle();
        return DrainedBytes != before;
    }

    /// <summary>The process writes no longer: replays the rest and ends its threads.</summary>
    /// <exception cref="InvalidTraceException">The session is damaged; everything before counts.</exception>
    public void Finish()
    {
        Round(nowNs: null);
        _replay.CheckSums();
        _ends.CheckDrained();
    }

    /// <summary>Ends the threads that are left, with what is known of them. After the last round, damaged or not.</summary>
    public void EndThreads() => _ends.EndAll();

    /// <summary>
    /// Notes the position of each thread: first of the one that wrote last, since it alone can continue in a batch that already counts as
    /// seen, then of the others.
    /// </summary>
    private void Look()
    {
        var order = Volatile.Read(ref _session.Header->Order) & ~WireFormat.OrderRequest;
        _newestTicket = order >> WireFormat.SlotBits;
        var lastWriter = (uint)order & WireFormat.SlotMask;
        var threads = _session.ThreadCount;
        if (lastWriter < threads)
            Look(lastWriter);

        for (var slot = 0u; slot < threads; slot++)
        {
            if (slot != lastWriter)
                Look(slot);
        }
    }

    private void Look(uint slot)
    {
        var thread = _session.Thread(slot);
        if (thread->CurrentState is not (ThreadSlotState.Live or ThreadSlotState.Ended))
            return;

        var stream = _streams[slot] ??= Attach(slot, thread);
        stream.Limit = Volatile.Read(ref thread->Cursor);
        if (stream.Limit == 0)
            return;

        if (stream.Limit < stream.Position || stream.Limit % 8 != 0)
            throw _session.Damaged($"the cursor of thread slot {slot} is {stream.Limit}");

        Enqueue(stream);
    }

    private void Enqueue(ThreadStream stream)
    {
        if (stream.Limit > stream.Position)
            _waiting.Enqueue(stream, stream.Ticket);
    }

    private ThreadStream Attach(uint slot, ThreadSlot* thread)
    {
        var stream = new ThreadStream(slot, _replay.AddThread(thread->OsId, thread->StartedNs, thread->DecodeName()))
        {
            Incarnation = thread->Incarnation,
            Position = _options.IsRest ? Math.Max(thread->Drained, StreamPosition.First) : StreamPosition.First,
            Slab = !_options.IsRest || thread->Drained == 0 ? thread->FirstSlab : thread->DrainedSlab,
        };
        _journal.AddThread(stream, thread->StartedNs);
        return stream;
    }

    private void Merge()
    {
        while (_waiting.TryDequeue(out var stream, out _))
        {
            while (ReplayBatch(stream))
            {
                if (_waiting.TryPeek(out _, out var oldest) && oldest < stream.Ticket)
                {
                    _waiting.Enqueue(stream, stream.Ticket);
                    break;
                }
            }
        }
    }

    /// <summary>Replays a stream to its next batch.</summary>
    /// <returns>True if the stream has a further batch that may be replayed in this round.</returns>
    private bool ReplayBatch(ThreadStream stream)
    {
        while (stream.Position < stream.Limit)
        {
            var slab = EnterSlab(stream);
            var sequence = StreamPosition.SequenceOf(stream.Position);
            var start = StreamPosition.StartOf(sequence);
            var limitIsHere = StreamPosition.SequenceOf(stream.Limit) == sequence;
            var used = limitIsHere ? stream.Limit - start : slab->Used;
            var offset = stream.Position - start;
            if (used > WireFormat.SlabBytes || used % 8 != 0 || used < offset)
                throw _session.Damaged($"slab {stream.Slab} has {used} bytes in use");

            if (offset == StreamPosition.First)
                Advance(slab->StartedNs);

            var at = (byte*)slab + offset;
            var end = (byte*)slab + used;
            _options.Events?.Add(stream.Thread.Index, at, end, _replay.NowNs);
            CheckSums();
            var stop = _replay.Run(stream.Thread, at, end);
            MoveTo(stream, start + (ulong)(stop - (byte*)slab));
            if (stop != end)
                return BeginBatch(stream, stop);

            if (!limitIsHere)
                LeaveSlab(stream, slab, sequence);
        }

        return false;
    }

    private void CheckSums()
    {
        if (DrainedBytes < _checkedAt)
            return;

        _checkedAt = DrainedBytes + ReplaySums.CheckedEachBytes;
        _replay.CheckSums();
    }

    /// <summary>The slab of a stream's position, checked.</summary>
    private SlabHeader* EnterSlab(ThreadStream stream)
    {
        var sequence = StreamPosition.SequenceOf(stream.Position);
        if (stream.IsArchived(sequence))
            return (SlabHeader*)stream.Archive[(int)(sequence - stream.FirstArchived)];

        var slab = _session.Slab(stream.Slab);
        if (slab->Thread != stream.Slot || slab->Sequence != sequence)
            throw _session.Damaged($"slab {stream.Slab} is not number {sequence} of thread slot {stream.Slot}");

        if (stream.Position - StreamPosition.StartOf(sequence) < StreamPosition.First || stream.Position % 8 != 0)
            throw _session.Damaged($"thread slot {stream.Slot} was drained to {stream.Position}");

        return slab;
    }

    /// <summary>Reads a BATCH record.</summary>
    /// <returns>True if the batch may be replayed in this round.</returns>
    private bool BeginBatch(ThreadStream stream, byte* record)
    {
        var (ticket, monoNs) = RecordReader.ReadBatch(record);
        if (ticket <= stream.Ticket)
            throw _session.Damaged($"thread {stream.Thread.OsId} has batch {ticket} after batch {stream.Ticket}");

        if (ticket > _newestTicket)
            return false;

        Advance(monoNs);
        stream.Ticket = ticket;
        MoveTo(stream, stream.Position + RecordReader.BatchBytes);
        return true;
    }

    /// <summary>Continues with a thread's next slab, then gives the old one back: its records are replayed and it is written no longer.</summary>
    private void LeaveSlab(ThreadStream stream, SlabHeader* slab, ulong sequence)
    {
        var done = stream.Slab;
        if (stream.IsArchived(sequence))
        {
            stream.Slab = slab->Next;
            stream.Position = StreamPosition.StartOf(sequence + 1) + StreamPosition.First;
            return;
        }

        _journal.AddSlab(stream, slab);
        var thread = _session.Thread(stream.Slot);
        stream.Slab = slab->Next;
        stream.Position = StreamPosition.StartOf(sequence + 1) + StreamPosition.First;
        thread->DrainedSlab = stream.Slab;
        Volatile.Write(ref thread->Drained, stream.Position);
        _session.Release(done);
    }

    private void MoveTo(ThreadStream stream, ulong position)
    {
        DrainedBytes += position - stream.Position;
        stream.Position = position;
    }

    /// <summary>Lets time pass to what a record says, unless that is later than the look that found it.</summary>
    private void Advance(ulong monoNs)
    {
        if (_residents.Count > 0)
            SampleResidents(Math.Min(monoNs, _lookedNs));

        _replay.AdvanceTo(Math.Min(monoNs, _lookedNs));
    }

    private void RetakeSnapshot(EarlierSnapshot snapshot)
    {
        _newestTicket = ulong.MaxValue;
        foreach (var stream in _streams.Archived.Take(snapshot.Ended))
            Enqueue(stream);

        var limits = snapshot.Positions.Select(each => each.Stream.Limit).ToArray();
        foreach (var (stream, position) in snapshot.Positions)
        {
            stream.Limit = position;
            Enqueue(stream);
        }

        Merge();
        foreach (var ((stream, _), limit) in snapshot.Positions.Zip(limits))
            stream.Limit = limit;

        _replay.TakeSnapshot(snapshot.Name);
        if (snapshot.Request == _session.Header->Requested)
            Volatile.Write(ref _session.Header->Answered, snapshot.Request);
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

    public void Dispose() => _journal.Dispose();
}
