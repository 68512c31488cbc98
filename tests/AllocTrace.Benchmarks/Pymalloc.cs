namespace AllocTrace.Benchmarks;

/// <summary>Gives addresses as CPython's small-object allocator does: pools of 16 KiB for each size class, the last freed block first.</summary>
internal sealed class Pymalloc
{
    private const int Alignment = 16, PoolBytes = 16384, PoolHeadBytes = 48;

    private readonly Stack<ulong>[] _free = [.. Enumerable.Range(0, 512 / Alignment + 1).Select(_ => new Stack<ulong>())];
    private ulong _nextPool = 0x7F12_3450_0000;

    public ulong Allocate(int size)
    {
        var free = _free[(size + Alignment - 1) / Alignment];
        if (free.Count == 0)
            AddPool(free, (size + Alignment - 1) / Alignment * Alignment);

        return free.Pop();
    }

    public void Free(ulong address, int size) => _free[(size + Alignment - 1) / Alignment].Push(address);

    private void AddPool(Stack<ulong> free, int blockBytes)
    {
        for (var at = PoolBytes - blockBytes; at >= PoolHeadBytes; at -= blockBytes)
            free.Push((_nextPool + (ulong)at) & ~15UL);

        _nextPool += PoolBytes;
    }
}
