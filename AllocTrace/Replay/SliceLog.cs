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
    /// <param name="inherited">What the first sites had before the first slice.</param>
    public SliceEntry[] Differences(uint siteEnd, ReadOnlySpan<InheritedSite> inherited)
    {
        KeepLast(siteEnd);
        var before = new SliceEntry[siteEnd];
        for (var i = 0; i < inherited.Length; i++)
            before[i + 1] = new SliceEntry { AllocatedBytes = inherited[i].Bytes, AllocatedBlocks = inherited[i].Blocks };

        var rows = new SliceEntry[_count];
        for (var i = 0; i < _count; i++)
        {
            ref var entry = ref _entries[i];
            ref var previous = ref before[entry.Site];
            rows[i] = entry with
            {
                AllocatedBytes = entry.AllocatedBytes - previous.AllocatedBytes,
                AllocatedBlocks = entry.AllocatedBlocks - previous.AllocatedBlocks,
                FreedBytes = entry.FreedBytes - previous.FreedBytes,
                FreedBlocks = entry.FreedBlocks - previous.FreedBlocks,
            };
            previous = entry;
        }

        return BySliceAndSite(rows, siteEnd);
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

    /// <summary>Sorts by counting, first by the less significant key: a sort that compares takes five times longer.</summary>
    private static SliceEntry[] BySliceAndSite(SliceEntry[] rows, uint siteEnd)
    {
        var bySite = Sorted(rows, siteEnd, static row => (int)row.Site);
        return Sorted(bySite, Timeline.MaxSlices, static row => row.Slice);
    }

    private static SliceEntry[] Sorted(SliceEntry[] rows, uint keyEnd, Func<SliceEntry, int> keyOf)
    {
        var next = new int[keyEnd + 1]; // by key: where the next row with it belongs
        foreach (var row in rows)
            next[keyOf(row) + 1]++;
        for (var key = 1; key < next.Length; key++)
            next[key] += next[key - 1];

        var sorted = new SliceEntry[rows.Length];
        foreach (var row in rows)
            sorted[next[keyOf(row)]++] = row;

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
