using System.Buffers.Binary;

namespace AllocTrace.Memory;

/// <summary>
/// Walks the chunks of another process's glibc heaps, as the library does in its own process (heap.c describes a heap, and where glibc
/// defines it).
/// </summary>
internal sealed class HeapWalk(uint pid, MemoryMap map)
{
    private const ulong HeapAlignment = 64UL << 20, LeastChunk = 32, ChunkHead = 16, SizeBits = 7, PreviousInUse = 1;
    private const int WindowBytes = 1 << 16, Enough = 64;

    private static readonly ulong[] _afterInfo = [32, 48], _afterState = [0x8C0, 0x8D0, 0x8B0, 0x8A0, 0x8E0, 0x8F0, 0x900];

    private readonly byte[] _window = new byte[WindowBytes];
    private ulong _end, _windowStart, _windowEnd;

    /// <summary>Adds the heaps that are found to the map.</summary>
    public void Run()
    {
        foreach (var mapping in map.Mappings.Where(mapping => mapping.IsData && mapping.Name != "[stack]"))
        {
            if (mapping.Name == "[heap]")
            {
                Add(mapping.Start, mapping.End, isMain: true);
                continue;
            }

            for (var start = (mapping.Start + HeapAlignment - 1) / HeapAlignment * HeapAlignment; start < mapping.End; start += HeapAlignment)
                Add(start, mapping.End, isMain: false);
        }
    }

    private void Add(ulong start, ulong end, bool isMain)
    {
        (_end, _windowStart, _windowEnd) = (end, 0, 0);
        if (FirstChunk(start, end, isMain) is not { } chunk)
        {
            if (isMain && SizeAt(start) is null)
                map.Missing |= MemoryMissing.Heaps;

            return;
        }

        var used = new ushort[(_end - start) / MemoryMap.PageBytes];
        Use(used, start, start, chunk);
        var top = _end;
        while (NextChunk(chunk) is { } next)
        {
            if (next == _end)
            {
                (top, chunk) = (chunk, next);
                break;
            }

            if ((SizeAt(next) & PreviousInUse) == PreviousInUse)
                Use(used, start, chunk, next);

            chunk = next;
        }

        map.Heaps.Add(new HeapRange(start, _end, top, chunk + LeastChunk >= _end ? _end : chunk, isMain) { Used = used });
    }

    private static void Use(ushort[] used, ulong start, ulong from, ulong to)
    {
        while (from < to)
        {
            var end = Math.Min(to, (from / MemoryMap.PageBytes + 1) * MemoryMap.PageBytes);
            used[(from - start) / MemoryMap.PageBytes] += (ushort)(end - from);
            from = end;
        }
    }

    private ulong? FirstChunk(ulong start, ulong end, bool isMain)
    {
        if (isMain)
            return MayBegin(start) ? start : null;

        var info = new byte[32];
        if (!ProcessMapReader.TryRead(pid, start, info))
            return null;

        var (arena, previous, size, protectedSize) = (Word(info, 0), Word(info, 8), Word(info, 16), Word(info, 24));
        if (size % MemoryMap.PageBytes != 0 || size < MemoryMap.PageBytes || size > protectedSize || protectedSize > end - start)
            return null;

        _end = start + size;
        var offsets = arena - start <= 48 && previous == 0 ? _afterState : _afterInfo;
        return offsets.Where(offset => MayBegin(start + offset)).Select(offset => (ulong?)(start + offset)).FirstOrDefault();
    }

    private bool MayBegin(ulong chunk)
    {
        for (var i = 0; i < Enough; i++)
        {
            if (chunk == _end)
                return i > 0;

            if (NextChunk(chunk) is not { } next)
                return false;

            chunk = next;
        }

        return true;
    }

    private ulong? NextChunk(ulong chunk) =>
        SizeAt(chunk) is { } word && (word & ~SizeBits) is var size && size >= LeastChunk && size % 16 == 0 && size <= _end - chunk ? chunk + size : null;

    private ulong? SizeAt(ulong chunk)
    {
        if (chunk < _windowStart || chunk + ChunkHead > _windowEnd)
        {
            var wanted = (int)Math.Min(_end - chunk, WindowBytes);
            if (wanted < (int)ChunkHead || !ProcessMapReader.TryRead(pid, chunk, _window.AsSpan(0, wanted)))
                return null;

            (_windowStart, _windowEnd) = (chunk, chunk + (ulong)wanted);
        }

        return Word(_window, (int)(chunk - _windowStart) + 8);
    }

    private static ulong Word(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
}
