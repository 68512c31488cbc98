namespace AllocTrace.Replay;

/// <summary>How far a thread's records were replayed.</summary>
internal sealed class ThreadStream(uint slot, ThreadReplay thread)
{
    public uint Slot { get; } = slot;

    public ThreadReplay Thread { get; } = thread;

    /// <summary>Stream position of the next record: in <see cref="Slab"/> behind its head, or at its end.</summary>
    public ulong Position { get; set; }

    /// <summary>The slab of the position.</summary>
    public uint Slab { get; set; }

    /// <summary>The batch of the record before the position.</summary>
    public ulong Ticket { get; set; }

    /// <summary>Up to where the thread had written when the current round looked; 0 when it had not begun.</summary>
    public ulong Limit { get; set; }
}
