namespace AllocTrace.Objects;

/// <summary>
/// Finds the block that covers an address. Addresses are divided into regions of 1 MiB, which a hash table finds. A region in which blocks begin has the
/// number of the first block of each KiB, so that a search compares a few neighbors: 4 bytes a KiB of heap instead of an entry a block.
/// </summary>
internal sealed class BlockIndex
{
    private const int RegionBits = 20, GranuleBits = 10, Granules = 1 << (RegionBits - GranuleBits);

    /// <summary>The most bytes that a block covers, and the most regions that are covered in all: more is no program's.</summary>
    private const long MostBytes = 1L << 38;
    private const int MostCoveredRegions = 1 << 22;

    private readonly ImageBlock[] _blocks;
    private readonly ulong _lowest, _highest;
    private readonly int _mask;

    /// <summary>Numbers of regions plus 1; 0 is a free slot.</summary>
    private readonly ulong[] _keys;

    /// <summary>
    /// The index in <see cref="_firsts"/> of each region's granules, or the complement of the one block that covers the region.
    /// </summary>
    private readonly int[] _places;
    private readonly int[] _firsts;

    /// <exception cref="ArgumentException">The blocks are not in ascending order of address.</exception>
    public BlockIndex(ImageBlock[] blocks)
    {
        _blocks = blocks;
        var (begun, covered) = Count(blocks);
        var capacity = 16;
        while (capacity < 2L * (begun + covered))
            capacity *= 2;

        (_mask, _keys, _places) = (capacity - 1, new ulong[capacity], new int[capacity]);
        _firsts = new int[begun * (Granules + 1)];
        if (blocks.Length > 0)
            (_lowest, _highest) = (blocks[0].Address, blocks[^1].Address + (ulong)Extent(blocks[^1]));

        Fill(covered);
    }

    /// <summary>Returns the number of the block that covers an address, or -1.</summary>
    public int Find(ulong address)
    {
        if (address < _lowest || address >= _highest)
            return -1;

        var slot = Slot(address >> RegionBits);
        if (_keys[slot] == 0)
            return -1;

        var place = _places[slot];
        var block = place < 0 ? ~place : Last(place + (int)((address & ((1 << RegionBits) - 1)) >> GranuleBits), address);
        return block >= 0 && address - _blocks[block].Address < (ulong)Extent(_blocks[block]) ? block : -1;
    }

    private static long Extent(ImageBlock block) => Math.Clamp(block.Bytes, 1, MostBytes);

    /// <summary>Returns the last block that begins at or before an address in a granule; the one before the granule when there is none in it.</summary>
    private int Last(int granule, ulong address)
    {
        var (low, high) = (_firsts[granule], _firsts[granule + 1]);
        while (low < high)
        {
            var middle = (int)((uint)(low + high) >> 1);
            if (_blocks[middle].Address <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }

    private static (int Begun, int Covered) Count(ImageBlock[] blocks)
    {
        var (begun, covered) = (0, 0);
        for (var i = 0; i < blocks.Length; i++)
        {
            if (i > 0 && blocks[i].Address <= blocks[i - 1].Address)
                throw new ArgumentException($"block {i} does not follow its predecessor", nameof(blocks));

            if (i == 0 || blocks[i].Address >> RegionBits != blocks[i - 1].Address >> RegionBits)
                begun++;

            covered = (int)Math.Min(covered + (long)CoveredRegions(blocks, i), MostCoveredRegions);
        }

        return (begun, covered);
    }

    /// <summary>Returns the number of regions after the first of a block in which no block begins.</summary>
    private static ulong CoveredRegions(ImageBlock[] blocks, int block)
    {
        var (first, last) = (blocks[block].Address >> RegionBits, blocks[block].Address + (ulong)Extent(blocks[block]) - 1 >> RegionBits);
        if (block + 1 < blocks.Length)
            last = Math.Min(last, (blocks[block + 1].Address >> RegionBits) - 1);

        return last > first && last != ulong.MaxValue ? last - first : 0;
    }

    private void Fill(int covered)
    {
        var place = 0;
        for (var i = 0; i < _blocks.Length;)
        {
            var region = _blocks[i].Address >> RegionBits;
            Put(region, place);
            for (var granule = 0; granule < Granules; granule++)
            {
                _firsts[place + granule] = i;
                var end = (ulong)(granule + 1) << GranuleBits; // within the region: the last region of all ends at 0
                while (i < _blocks.Length && _blocks[i].Address - (region << RegionBits) < end)
                    i++;
            }

            _firsts[place + Granules] = i;
            place += Granules + 1;
            for (var more = CoveredRegions(_blocks, i - 1); more > 0 && covered > 0; more--, covered--)
                Put(region + more, ~(i - 1));
        }
    }

    private void Put(ulong region, int place)
    {
        var slot = Slot(region);
        (_keys[slot], _places[slot]) = (region + 1, place);
    }

    private int Slot(ulong region)
    {
        var slot = (int)(region * 0x9E3779B97F4A7C15 >> 32) & _mask;
        while (_keys[slot] != 0 && _keys[slot] != region + 1)
            slot = slot + 1 & _mask;

        return slot;
    }
}
