using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>
/// Logs the changes of sites in slices. A site adds an entry when it changes for the first time after a slice in which it changed; entries hold
/// running totals, so two slices are merged by dropping the earlier entry.
/// </summary>
internal sealed class SliceLog
{
    private SliceEntry[] _entries = new SliceEntry[1024];
    private int _count;

    public SliceLog()
    {
    }

    /// <summary>Copies a log.</summary>
    public SliceLog(SliceLog other) => (_entries, _count) = ([.. other._entries], other._count);

    public int Count => _count;

    /// <summary>Adds the totals that a site has reached at the end of a slice.</summary>
    public void Add(int slice, uint site, in ReplayedSite totals)
    {
        if (_count == _entries.Length)
            Array.Resize(ref _entries, 2 * _count);

        _entries[_count++] = new SliceEntry
        {
            Slice = slice,
            Site = site,
            AllocatedBytes = totals.AllocatedBytes,
            AllocatedBlocks = totals.AllocatedBlocks,
            FreedBytes = totals.FreedBytes,
            FreedBlocks = totals.FreedBlocks,
        };
    }

    /// <summary>Merges each two slices.</summary>
    /// <param name="siteEnd">One more than the highest site.</param>
    public void DoubleWidth(uint siteEnd)
    {
        foreach (ref var entry in _entries.AsSpan(0, _count))
            entry.Slice /= 2;

        KeepLast(siteEnd);
    }

    /// <summary>The changes of each site within each slice, by slice and site, without empty ones.</summary>
    /// <param name="siteEnd">One more than the highest site.</param>
    /// <param name="inherited">The amounts of the first sites before the first slice.</param>
    public SliceEntry[] Differences(uint siteEnd, ReadOnlySpan<InheritedSite> inherited)
    {
        KeepLast(siteEnd);
        var before = new int[siteEnd]; // by site: 1 + the place of its entry for an earlier slice
        var rows = new SliceEntry[_count];
        var row = 0;
        foreach (var place in BySliceAndSite(siteEnd))
        {
            ref readonly var entry = ref _entries[place];
            ref var earlier = ref before[entry.Site];
            var previous = earlier != 0 ? _entries[earlier - 1] : Inherited(inherited, entry.Site);
            rows[row++] = entry with
            {
                AllocatedBytes = entry.AllocatedBytes - previous.AllocatedBytes,
                AllocatedBlocks = entry.AllocatedBlocks - previous.AllocatedBlocks,
                FreedBytes = entry.FreedBytes - previous.FreedBytes,
                FreedBlocks = entry.FreedBlocks - previous.FreedBlocks,
            };
            earlier = place + 1;
        }

        return rows;
    }

    public void Save(BinaryWriter writer) => writer.WriteAll<SliceEntry>(_entries.AsSpan(0, _count));

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader, uint siteEnd)
    {
        var entries = reader.ReadAll<SliceEntry>();
        if (entries.Any(entry => entry.Site == 0 || entry.Site >= siteEnd || entry.Slice is < 0 or >= Timeline.MaxSlices))
            return false;

        _count = entries.Length;
        _entries = entries.Length == 0 ? _entries : entries;
        return true;
    }

    private static SliceEntry Inherited(ReadOnlySpan<InheritedSite> inherited, uint site) =>
        site <= inherited.Length ? new SliceEntry { AllocatedBytes = inherited[(int)site - 1].Bytes, AllocatedBlocks = inherited[(int)site - 1].Blocks } : default;

    /// <summary>Sorts by counting, first by the less significant key: a sort that compares takes five times longer.</summary>
    /// <returns>The places of the entries.</returns>
    private int[] BySliceAndSite(uint siteEnd)
    {
        var places = new int[_count];
        for (var i = 0; i < places.Length; i++)
            places[i] = i;

        var bySite = Sorted(places, siteEnd, place => (int)_entries[place].Site);
        return Sorted(bySite, Timeline.MaxSlices, place => _entries[place].Slice);
    }

    private static int[] Sorted(int[] places, uint keyEnd, Func<int, int> keyOf)
    {
        var next = new int[keyEnd + 1]; // by key: where the next one with it belongs
        foreach (var place in places)
            next[keyOf(place) + 1]++;
        for (var key = 1; key < next.Length; key++)
            next[key] += next[key - 1];

        var sorted = new int[places.Length];
        foreach (var place in places)
            sorted[next[keyOf(place)]++] = place;

        return sorted;
    }

    /// <summary>Drops all but the last entry of a site for a slice. A site's entries are in the order of time.</summary>
    private void KeepLast(uint siteEnd)
    {
        var later = new int[siteEnd];
        Array.Fill(later, -1);
        var kept = _count;
        for (var i = _count - 1; i >= 0; i--)
        {
            ref var entry = ref _entries[i];
            if (later[entry.Site] == entry.Slice)
                continue;

            later[entry.Site] = entry.Slice;
            _entries[--kept] = entry;
        }

        _count -= kept;
        Array.Copy(_entries, kept, _entries, 0, _count);
    }
}
