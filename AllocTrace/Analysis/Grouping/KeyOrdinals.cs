using System.Numerics;
using System.Runtime.CompilerServices;

namespace AllocTrace.Analysis;

/// <summary>
/// Gives keys ordinals from 1 on, in the order in which they come. There may be a million lookups of hundreds of thousands of keys: the table is one array, in
/// which a key is where its hash says, or next to it.
/// </summary>
internal sealed class KeyOrdinals
{
    private (long Key, int Number)[] _entries = new (long, int)[1 << 10];
    private int _shift = 64 - 10;

    /// <summary>The number of keys.</summary>
    public int Count { get; private set; }

    /// <summary>Returns the ordinal of a key; that of a new one is <see cref="Count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Of(long key)
    {
        ref var entry = ref Find(key);
        return entry.Number != 0 ? entry.Number : Add(ref entry, key);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref (long Key, int Number) Find(long key)
    {
        var entries = _entries;
        for (var place = (int)((ulong)key * 0x9E37_79B9_7F4A_7C15 >> _shift); ; place = (place + 1) & (entries.Length - 1))
        {
            ref var entry = ref entries[place];
            if (entry.Number == 0 || entry.Key == key)
                return ref entry;
        }
    }

    private int Add(ref (long Key, int Number) entry, long key)
    {
        entry = (key, ++Count);
        if (2 * Count > _entries.Length)
            Grow();

        return Count;
    }

    private void Grow()
    {
        var old = _entries;
        _entries = new (long, int)[4 * old.Length];
        _shift = 64 - BitOperations.Log2((uint)_entries.Length);
        foreach (var (key, number) in old)
        {
            if (number != 0)
                Find(key) = (key, number);
        }
    }
}
