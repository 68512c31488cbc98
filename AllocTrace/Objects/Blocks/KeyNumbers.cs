namespace AllocTrace.Objects;

/// <summary>
/// Numbers keys in the order in which they come first. Millions of blocks have a few thousand different keys, mostly the same few in a row: those that came
/// last are found without the hash table.
/// </summary>
internal sealed class KeyNumbers
{
    private const int RecentBits = 10;

    private readonly Dictionary<ulong, int> _numbers = [];

    /// <summary>Keys with their number plus 1, by the bits of a product of the key.</summary>
    private readonly (ulong Key, int Number)[] _recent = new (ulong, int)[1 << RecentBits];

    /// <summary>Returns the number of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="isNew">True if the key came for the first time.</param>
    public int Of(ulong key, out bool isNew)
    {
        isNew = false;
        ref var recent = ref _recent[key * 0x9E3779B97F4A7C15 >> 64 - RecentBits];
        if (recent.Key == key && recent.Number != 0)
            return recent.Number - 1;

        if (!_numbers.TryGetValue(key, out var number))
        {
            isNew = true;
            _numbers.Add(key, number = _numbers.Count);
        }

        recent = (key, number + 1);
        return number;
    }
}
