using AllocTrace.Journal;

namespace AllocTrace.Replay;

// The blocks, for a checkpoint.
internal sealed unsafe partial class AddressTable
{
    public void Save(BinaryWriter writer)
    {
        var entries = new List<(ulong Address, ulong Entry)>(AddressPage.Granules);
        foreach (var (key, address) in _pages)
        {
            var page = (AddressPage*)address;
            if (page->Blocks == 0)
                continue;

            entries.Clear();
            for (var granule = 0UL; granule < AddressPage.Granules; granule++)
            {
                var at = key << AddressPage.AddressBits | granule << AddressPage.GranuleBits;
                if (*AddressPage.Entry(page, at) is not 0 and var entry)
                    entries.Add((at, entry));
            }

            writer.WriteAll<(ulong, ulong)>(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries));
        }

        writer.WriteAll<(ulong, ulong)>([]);
        writer.WriteAll<(ulong, ulong)>([.. _wideBytes.Select(block => (block.Key, block.Value))]);
        writer.WriteAll<(ulong, ulong, ulong)>([.. _unaligned.Select(block => (block.Key, block.Value.Bytes, (ulong)block.Value.Site))]);
    }

    /// <summary>Adds blocks that were saved.</summary>
    /// <returns>True if they could be.</returns>
    public bool TryLoad(BinaryReader reader, uint siteEnd)
    {
        while (reader.ReadAll<(ulong Address, ulong Entry)>() is { Length: > 0 } entries)
        {
            foreach (var (address, entry) in entries)
            {
                if (!IsSite(entry >> 32, siteEnd) || (address & 15) != 0)
                    return false;

                Put(address, (uint)entry, (uint)(entry >> 32), out _);
            }
        }

        foreach (var (address, bytes) in reader.ReadAll<(ulong, ulong)>())
            _wideBytes[address] = bytes;

        foreach (var (address, bytes, site) in reader.ReadAll<(ulong, ulong, ulong)>())
        {
            if (!IsSite(site, siteEnd) || (address & 15) == 0)
                return false;

            _unaligned[address] = new LiveBlock(bytes, (uint)site);
        }

        return true;
    }

    private static bool IsSite(ulong site, uint siteEnd) => site > 0 && site < siteEnd;
}
