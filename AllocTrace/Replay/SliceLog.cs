using System.Runtime.InteropServices;

using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>
/// Logs the changes of sites in slices. A site adds an entry when it changes for the first time after a slice in which it changed; entries hold
/// running totals, so two slices are merged by dropping the earlier entry.
/// </summary>
internal sealed class SliceLog
{
    private readonly ChunkedList<SliceEntry> _entries;

    public SliceLog() => _entries = new();

    /// <summary>Copies a log.</summary>
    public SliceLog(SliceLog other) => _entries = new(other._entries);

    public int Count => _entries.Count;

    /// <summary>Adds the totals that a site has reached at the end of a slice.</summary>
    public void Add(int slice, uint site, in ReplayedSite totals)
    {
        _entries.Add(new SliceEntry
        {
            Slice = slice,
            Site = site,
            AllocatedBytes = totals.AllocatedBytes,
            AllocatedBlocks = totals.AllocatedBlocks,
            FreedBytes = totals.FreedBytes,
            FreedBlocks = totals.FreedBlocks,
        });
    }

    /// <summary>Merges each two slices.</summary>
    /// <param name="siteEnd">One more than the highest site.</param>
    public void DoubleWidth(uint siteEnd)
    {
        for (var i = 0; i < _entries.Count; i++)
            _entries[i].Slice /= 2;

        KeepLast(siteEnd);
    }

    /// <summary>
    /// The changes of each site within each slice, by slice and site, without empty ones. They are sorted when this returns, and computed when they are asked
    /// for: rows of their own would take as much memory as the log.
    /// </summary>
    /// <param name="siteEnd">One more than the highest site.</param>
    /// <param name="inherited">The amounts of the first sites before the first slice.</param>
    public IEnumerable<SliceEntry> Differences(uint siteEnd, InheritedSite[] inherited)
    {
        KeepLast(siteEnd);
        return Differences(BySliceAndSite(siteEnd), siteEnd, inherited);
    }

    /// <summary>Writes the entries as an array.</summary>
    public void Save(BinaryWriter writer)
    {
        writer.Write(_entries.Count);
        foreach (var chunk in _entries.Chunks())
            writer.Write(MemoryMarshal.AsBytes(chunk.Span));
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader, uint siteEnd)
    {
        foreach (var entry in reader.ReadAll<SliceEntry>())
        {
            if (entry.Site == 0 || entry.Site >= siteEnd || entry.Slice is < 0 or >= Timeline.MaxSlices)
                return false;

            _entries.Add(entry);
        }

        return true;
    }

    private IEnumerable<SliceEntry> Differences(int[] places, uint siteEnd, InheritedSite[] inherited)
    {
        var before = new int[siteEnd]; // by site: 1 + the place of its entry for an earlier slice
        foreach (var place in places)
        {
            var entry = _entries[place];
            var earlier = before[entry.Site];
            var previous = earlier != 0 ? _entries[earlier - 1] : Inherited(inherited, entry.Site);
            before[entry.Site] = place + 1;
            yield return entry with
            {
                AllocatedBytes = entry.AllocatedBytes - previous.AllocatedBytes,
                AllocatedBlocks = entry.AllocatedBlocks - previous.AllocatedBlocks,
                FreedBytes = entry.FreedBytes - previous.FreedBytes,
                FreedBlocks = entry.FreedBlocks - previous.FreedBlocks,
            };
        }
    }

    private static SliceEntry Inherited(InheritedSite[] inherited, uint site) =>
        site <= inherited.Length ? new SliceEntry { AllocatedBytes = inherited[(int)site - 1].Bytes, AllocatedBlocks = inherited[(int)site - 1].Blocks } : default;

    /// <summary>Sorts by counting, first by the less significant key: a sort that compares takes five times longer.</summary>
    /// <returns>The places of the entries.</returns>
    private int[] BySliceAndSite(uint siteEnd)
    {
        var places = new int[_entries.Count];
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
        var kept = _entries.Count;
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            var entry = _entries[i];
            if (later[entry.Site] == entry.Slice)
                continue;

            later[entry.Site] = entry.Slice;
            _entries[--kept] = entry;
        }

        _entries.KeepLast(_entries.Count - kept);
    }
}
