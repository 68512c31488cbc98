namespace AllocTrace.Replay;

/// <summary>
/// A list in chunks. It grows without a copy of what is in it, and never has room for more than a chunk that is not used: arrays that double have room for
/// as much again, and leave their predecessors to the garbage collector.
/// </summary>
internal sealed class ChunkedList<T>
    where T : unmanaged
{
    private const int ChunkBits = 12, ChunkItems = 1 << ChunkBits;

    private readonly List<T[]> _chunks = [];

    public ChunkedList()
    {
    }

    /// <summary>Copies a list.</summary>
    public ChunkedList(ChunkedList<T> other)
    {
        _chunks.AddRange(other._chunks.Select(chunk => (T[])chunk.Clone()));
        Count = other.Count;
    }

    public int Count { get; private set; }

    /// <summary>An item, in place. The index is not checked against <see cref="Count"/>.</summary>
    public ref T this[int index] => ref _chunks[index >> ChunkBits][index & (ChunkItems - 1)];

    public void Add(in T item)
    {
        if (Count >> ChunkBits == _chunks.Count)
            _chunks.Add(GC.AllocateUninitializedArray<T>(ChunkItems));

        this[Count++] = item;
    }

    /// <summary>Moves the last items to the beginning, and forgets the others.</summary>
    public void KeepLast(int count)
    {
        var first = Count - count;
        for (var i = 0; first > 0 && i < count; i++)
            this[i] = this[first + i];

        Count = count;
        var used = (count + ChunkItems - 1) >> ChunkBits;
        _chunks.RemoveRange(used, _chunks.Count - used);
    }

    /// <summary>The items, a chunk at a time.</summary>
    public IEnumerable<ReadOnlyMemory<T>> Chunks()
    {
        for (var i = 0; i < _chunks.Count; i++)
            yield return _chunks[i].AsMemory(0, Math.Min(ChunkItems, Count - (i << ChunkBits)));
    }
}
