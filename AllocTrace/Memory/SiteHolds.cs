using System.Runtime.InteropServices;

namespace AllocTrace.Memory;

/// <summary>Sums up what the live blocks of each site hold.</summary>
internal sealed class SiteHolds
{
    private const int Most = 1000;

    /// <summary>The least number of bytes that a site must keep beyond its blocks to get a row.</summary>
    private const long Least = 16 << 10;

    private readonly Dictionary<uint, (double Bytes, long Live)> _holds = [];

    /// <summary>Adds the blocks on a page, which share its free bytes in proportion.</summary>
    public void AddPage(List<Portion> portions, long used, long slack)
    {
        foreach (var portion in portions)
            Add(portion.Site, portion.Bytes + (used == 0 ? 0 : (double)slack * portion.Bytes / used), portion.Live);
    }

    /// <summary>Adds bytes that the blocks of a site keep.</summary>
    public void Add(uint site, double bytes, long live = 0)
    {
        ref var hold = ref CollectionsMarshal.GetValueRefOrAddDefault(_holds, site, out _);
        hold.Bytes += bytes;
        hold.Live += live;
    }

    /// <summary>The sites that hold more than their blocks, the largest excess first.</summary>
    public MemoryHold[] Largest() =>
    [
        .. _holds.Select(hold => new MemoryHold(hold.Key, (long)hold.Value.Bytes, hold.Value.Live))
            .Where(hold => hold.Bytes - hold.Live >= Least)
            .OrderByDescending(hold => hold.Bytes - hold.Live).ThenBy(hold => hold.Site)
            .Take(Most),
    ];
}
