using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>Ends the threads of a session that is drained: frees their slots in the traced process, and ends them in the replay.</summary>
/// <param name="session">The session.</param>
/// <param name="replay">Its replay.</param>
/// <param name="streams">The streams of its threads.</param>
/// <param name="journal">The journal of released slabs.</param>
internal sealed unsafe class ThreadEnds(SessionFile session, ProcessReplay replay, StreamTable streams, DrainJournal journal)
{
    /// <summary>Publishes the positions up to which threads were drained, and frees the slots of those that ended.</summary>
    public void Recycle()
    {
        EndArchived();
        for (var slot = 0u; slot < session.ThreadCount; slot++)
        {
            if (streams[slot] is not { } stream)
                continue;

            var thread = session.Thread(stream.Slot);
            if (stream.Limit != 0)
            {
                thread->DrainedSlab = stream.Slab;
                Volatile.Write(ref thread->Drained, stream.Position);
            }

            // State before cursor: an ended thread's cursor is its last.
            if (thread->CurrentState == ThreadSlotState.Ended && IsDrained(stream, Volatile.Read(ref thread->Cursor)))
                FreeSlot(stream, thread);
        }
    }

    /// <summary>Checks that the threads of a process that writes no longer are drained.</summary>
    /// <exception cref="InvalidTraceException">One is not, or has lost an impossible number of events.</exception>
    public void CheckDrained()
    {
        CheckLoss(session.Header->LostStacks);
        CheckLoss(session.Header->UnslottedEvents);
        foreach (var stream in streams.Present)
        {
            CheckLoss(session.Thread(stream.Slot)->LostEvents);
            if (!IsDrained(stream, stream.Limit))
                throw session.Damaged($"thread {stream.Thread.OsId} wrote in a batch that was not announced");
        }
    }

    /// <summary>Ends the threads that are left, with what is known of them.</summary>
    public void EndAll()
    {
        foreach (var stream in streams.Present)
            EndThread(stream, session.Thread(stream.Slot), ended: false);

        streams.ClearPresent();
        EndArchived();
    }

    private void CheckLoss(ulong events)
    {
        if (events > Loss.Most)
            throw session.Damaged($"it has lost an impossible number of events ({events})");
    }

    private void FreeSlot(ThreadStream stream, ThreadSlot* thread)
    {
        CheckLoss(thread->LostEvents);
        EndThread(stream, thread, ended: true);
        journal.AddEnd(stream, thread);
        streams[stream.Slot] = null;
        if (stream.Limit != 0)
            session.Release(stream.Slab);

        thread->Free();
    }

    private void EndThread(ThreadStream stream, ThreadSlot* thread, bool ended)
    {
        stream.Thread.Name = thread->DecodeName();
        stream.Thread.End(ended ? replay.SinceStart(thread->EndedNs) : null, (long)Math.Min(thread->LostEvents, Loss.Most));
    }

    private static bool IsDrained(ThreadStream stream, ulong cursor) => cursor == 0 || cursor == stream.Position;

    private void EndArchived()
    {
        foreach (var stream in streams.Archived)
        {
            stream.Thread.Name = stream.End!.Name;
            stream.Thread.End(replay.SinceStart(stream.End.EndedMonoNs), (long)Math.Min(stream.End.LostEvents, Loss.Most));
        }

        streams.Archived.Clear();
    }
}
