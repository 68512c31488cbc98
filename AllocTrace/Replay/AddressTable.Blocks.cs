using AllocTrace.Memory;

namespace AllocTrace.Replay;

// The blocks as a whole, for pictures of objects and accounts of resident memory.
internal sealed unsafe partial class AddressTable
{
    /// <summary>The number of blocks.</summary>
    public long BlockCount => _unaligned.Count + _pages.Values.Sum(page => (long)((AddressPage*)page)->Blocks);

    /// <summary>Calls <paramref name="visit"/> with each address and its block: ascending, but for those that begin between granules, which are last.</summary>
    public void ForEach(Action<ulong, LiveBlock> visit)
    {
        foreach (var key in _pages.Keys.Order())
        {
            var page = (AddressPage*)_pages[key];
            var entry = AddressPage.Entry(page, 0);
            for (var granule = 0; granule < AddressPage.Granules; granule++)
            {
                if (entry[granule] == 0)
                    continue;

                var address = key << AddressPage.AddressBits | (ulong)granule << AddressPage.GranuleBits;
                var size = (uint)entry[granule];
                visit(address, new LiveBlock(size == AddressPage.WideBytes ? _wideBytes[address] : size, (uint)(entry[granule] >> 32)));
            }
        }

        foreach (var (address, block) in _unaligned)
            visit(address, block);
    }

    /// <summary>Bits of an address that are its own: tracked domains without one of their own put theirs above.</summary>
    private const ulong AddressMask = (1UL << Wire.WireFormat.OtherShift) - 1;

    /// <summary>The keys of the pages that hold blocks, ascending.</summary>
    public ulong[] Keys()
    {
        ulong[] keys = [.. _pages.Keys, .. _unaligned.Keys.Select(address => address >> AddressPage.AddressBits).Where(key => !_pages.ContainsKey(key)).Distinct()];
        Array.Sort(keys, (one, other) => (one << AddressPage.AddressBits & AddressMask).CompareTo(other << AddressPage.AddressBits & AddressMask));
        return keys;
    }

    /// <summary>Adds the blocks of a page, ascending.</summary>
    public void List(ulong key, List<BlockRange> blocks)
    {
        if (_pages.TryGetValue(key, out var found))
        {
            var page = (AddressPage*)found;
            var left = page->Blocks;
            for (var at = key << AddressPage.AddressBits; left > 0; at += 1 << AddressPage.GranuleBits)
            {
                if (*AddressPage.Entry(page, at) is not 0 and var entry)
                {
                    blocks.Add(new BlockRange(at & AddressMask, SizeAt(at, (uint)entry), (uint)(entry >> 32)));
                    left--;
                }
            }
        }

        if (_unaligned.Count == 0)
            return;

        foreach (var (address, block) in _unaligned.Where(block => block.Key >> AddressPage.AddressBits == key))
            blocks.Add(new BlockRange(address & AddressMask, block.Bytes, block.Site));

        blocks.Sort((one, other) => one.Address.CompareTo(other.Address));
    }

    private ulong SizeAt(ulong address, uint entrySize) =>
        entrySize == AddressPage.WideBytes && _wideBytes.TryGetValue(address, out var size) ? size : entrySize;
}
