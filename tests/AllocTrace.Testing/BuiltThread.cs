namespace AllocTrace.Testing;

/// <summary>A thread that writes records into a <see cref="SessionBuilder"/>'s file.</summary>
public sealed unsafe class BuiltThread(SessionBuilder session, uint slot, long slotOffset)
{
    private const int SlabHeadBytes = 64;

    private uint _slab;
    private int _used;
    private uint _sequence;

    public uint Slot { get; } = slot;

    /// <summary>The offset of its slot in the file.</summary>
    public long SlotOffset { get; } = slotOffset;

    /// <summary>The slab that it writes into.</summary>
    public uint Slab => _slab;

    public void Malloc(int domain, ulong address, ulong size, uint stack) => Block(1, domain, address, size, stack);

    public void Calloc(int domain, ulong address, ulong size, uint stack) => Block(2, domain, address, size, stack);

    public void Realloc(int domain, ulong address, ulong size, uint stack) => Block(3, domain, address, size, stack);

    public void Free(int domain, ulong address) => Append(Word(4, domain, address));

    public void ReallocBegin(int domain, ulong address) => Append(Word(5, domain, address));

    public void ReallocFailed(int domain, ulong address) => Append(Word(6, domain, address));

    public void Unmap(ulong address, ulong length) => Append(Word(14, 14, address), length);

    public void Mark(int mark, ulong argument = 0) => Append(Word(8, mark, argument), session.NowNs);

    public void Lost(ulong events, ulong firstNs, ulong lastNs) => Append(Word(12, 0, events), firstNs, lastNs);

    /// <summary>Names the span of the next block, by its ids as words.</summary>
    public void Context(ulong traceBegin, ulong traceEnd, ulong span) => Append(Word(15, 0, 1), traceBegin, traceEnd, span);

    /// <summary>Appends words without any change.</summary>
    public void Append(params ReadOnlySpan<ulong> record)
    {
        if (session.TakeTicket(Slot) is { } ticket)
            Write(Word(7, 0, ticket), session.NowNs);

        Write(record);
    }

    /// <summary>
    /// Continues in another slab before this one is full, for tests that have no time for thousands of records. No program does this.
    /// </summary>
    public void LeaveSlab() => ContinueInNextSlab();

    /// <summary>Ends the thread.</summary>
    public void End()
    {
        session.Set64(SlotOffset + 40, session.NowNs);
        session.Set32(SlotOffset + 16, 2);
    }

    private static ulong Word(int kind, int domain, ulong operand) => (ulong)kind << 60 | (ulong)domain << 56 | operand;

    private void Block(int kind, int domain, ulong address, ulong size, uint stack)
    {
        if (size <= uint.MaxValue)
            Append(Word(kind, domain, address), (ulong)stack << 32 | size);
        else
            Append(Word(kind + 8, domain, address), (ulong)stack << 32, size);
    }

    private void Write(params ReadOnlySpan<ulong> record)
    {
        if (_used == 0)
            BeginSlab(session.TakeSlab(), 0);
        else if (_used > SessionBuilder.SlabBytes - SessionBuilder.RoomAtEnd)
            ContinueInNextSlab();

        for (var i = 0; i < record.Length; i++)
            session.Set64(session.SlabOffset(_slab) + _used + 8 * i, record[i]);

        _used += 8 * record.Length;
        session.Set64(SlotOffset, (ulong)_sequence * SessionBuilder.SlabBytes + (uint)_used);
    }

    private void ContinueInNextSlab()
    {
        var next = session.TakeSlab();
        session.Set32(session.SlabOffset(_slab) + 8, next);
        session.Set32(session.SlabOffset(_slab) + 12, (uint)_used);
        BeginSlab(next, _sequence + 1);
    }

    private void BeginSlab(uint slab, uint sequence)
    {
        var at = session.SlabOffset(slab);
        session.Set32(at, Slot);
        session.Set32(at + 4, sequence);
        session.Set64(at + 24, session.NowNs);
        if (sequence == 0)
            session.Set32(SlotOffset + 20, slab);

        _slab = slab;
        _sequence = sequence;
        _used = SlabHeadBytes;
    }
}
