namespace AllocTrace.Replay;

// The blocks as a whole, for readers of a clone.
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
}
