using System.Runtime.CompilerServices;

using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>Replays the records of a session in which every allocation was recorded.</summary>
internal readonly unsafe struct ExactRecords(BlockReplay blocks, ThreadReplay thread, ProcessReplay process) : IRecordVisitor
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Expect(uint tag, ulong address) => AddressTable.Prefetch(thread.Domains[tag & 15].Pages, address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Allocate(uint tag, ulong address, ulong bytes, uint stack)
    {
        blocks.Allocate(thread, tag, address, bytes, stack);
        return true;
    }

    public bool Reallocate(uint tag, ulong address, ulong bytes, uint stack)
    {
        if ((tag & 15) == WireFormat.MmapDomain)
            blocks.Mappings.Move(thread, tag, address, bytes, stack);
        else
            blocks.CommitRealloc(thread, tag, address, bytes, stack);

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(uint tag, ulong address) => blocks.Free(thread, tag, address);

    public void BeginRealloc(uint tag, ulong address) => blocks.BeginRealloc(thread, tag & 15, address);

    public void FailRealloc(uint tag, ulong address) => blocks.UndoRealloc(thread, tag & 15);

    public bool Unmap(uint tag, ulong address, ulong length) => process.Unmap(thread, tag, address, length);

    public void Mark(MarkKind kind, ulong argument, ulong monoNs) => process.Mark(kind, argument, monoNs);

    public void Lose(ulong events, ulong firstMonoNs, ulong lastMonoNs) => process.Lose(thread, events, firstMonoNs, lastMonoNs);

    public bool Age(ulong allocations) => throw process.NoSuchRecord(thread, (uint)RecordKind.Age, sizeof(ulong));

    public bool Context(SpanContext span) => throw process.NoSuchRecord(thread, (uint)RecordKind.Context, sizeof(ulong));

    public void Refuse(uint kind, long room) => throw process.NoSuchRecord(thread, kind, room);
}
