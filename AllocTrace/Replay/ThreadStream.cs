using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>The position up to which a thread's records were replayed.</summary>
internal sealed class ThreadStream(uint slot, ThreadReplay thread)
{
    public uint Slot { get; } = slot;

    public ThreadReplay Thread { get; } = thread;

    /// <summary>The number of threads that used the slot before.</summary>
    public uint Incarnation { get; init; }

    /// <summary>Identifies the stream in the journal.</summary>
    public StreamName Name => new(Slot, Incarnation);

    /// <summary>The slabs that an earlier collector took out, from number <see cref="FirstArchived"/> on, in its journal.</summary>
    public List<nint> Archive { get; } = [];

    public ulong FirstArchived { get; set; }

    /// <summary>The end of the thread, if an earlier collector took all its records: the session has nothing of it.</summary>
    public JournaledThreadEnd? End { get; set; }

    /// <summary>Stream position of the next record: in <see cref="Slab"/> behind its head, or at its end.</summary>
    public ulong Position { get; set; }

    /// <summary>The slab of the position.</summary>
    public uint Slab { get; set; }

    /// <summary>The batch of the record before the position.</summary>
    public ulong Ticket { get; set; }

    /// <summary>The position up to which the thread had written when the current round looked; 0 if it had not begun.</summary>
    public ulong Limit { get; set; }

    /// <summary>Returns true if a slab, by its sequence number, is in the journal.</summary>
    public bool IsArchived(ulong sequence) => sequence - FirstArchived < (ulong)Archive.Count;
}
