using AllocTrace.Platform;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;

namespace AllocTrace.Tests.Replay;

/// <summary>
/// Writes records by the protocol of docs/ordering.md while other threads do. Its slabs are made beforehand and not recycled.
/// </summary>
internal sealed class ConcurrentWriter
{
    private const long OrderOffset = 576;
    private const int Slabs = 64, SlabHeadBytes = 64;

    private readonly SessionBuilder _session;
    private readonly uint _slot;
    private readonly long _slotOffset;
    private readonly uint[] _slabs;
    private ulong _own;
    private uint _sequence;
    private int _used = SlabHeadBytes;

    public ConcurrentWriter(SessionBuilder session)
    {
        _session = session;
        var thread = session.AddThread();
        _slot = thread.Slot;
        _slotOffset = thread.SlotOffset;
        _slabs = [.. Enumerable.Range(0, Slabs).Select(_ => session.TakeSlab())];
        session.Set32(_slotOffset + 20, _slabs[0]);
        Begin(_slabs[0]);
    }

    public unsafe void Write(params ReadOnlySpan<ulong> record)
    {
        ref var order = ref *(ulong*)(_session.Start + OrderOffset);
        var last = Volatile.Read(ref order);
        if (last != _own || _own == 0)
            BeginBatch(ref order, last);

        Append(record);
    }

    private void BeginBatch(ref ulong order, ulong last)
    {
        while (true)
        {
            _own = ((last >> 20) + 1) << 20 | _slot;
            var seen = Interlocked.CompareExchange(ref order, _own, last);
            if (seen == last)
                break;

            last = seen;
        }

        Append(7UL << 60 | _own >> 20, LibC.MonotonicNanoseconds());
    }

    private void Append(params ReadOnlySpan<ulong> record)
    {
        if (_used > SessionBuilder.SlabBytes - SessionBuilder.RoomAtEnd)
        {
            var full = _session.SlabOffset(_slabs[_sequence]);
            _session.Set32(full + 8, _slabs[_sequence + 1]);
            _session.Set32(full + 12, (uint)_used);
            Begin(_slabs[++_sequence]);
        }

        foreach (var word in record)
        {
            _session.Set64(_session.SlabOffset(_slabs[_sequence]) + _used, word);
            _used += sizeof(ulong);
        }

        _session.Set64(_slotOffset, (ulong)_sequence * SessionBuilder.SlabBytes + (uint)_used);
    }

    private void Begin(uint slab)
    {
        var at = _session.SlabOffset(slab);
        _session.Set32(at, _slot);
        _session.Set32(at + 4, _sequence);
        _session.Set64(at + 24, LibC.MonotonicNanoseconds());
        _used = SlabHeadBytes;
    }
}
