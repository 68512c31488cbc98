using System.Numerics;

namespace AllocTrace.Objects;

/// <summary>
/// Finds the block that covers an address. Addresses are divided into regions of 256 KiB, which a hash table finds. A region in which blocks begin is divided
/// into granules, the more of them the more blocks begin in it, each with the number of its first block: a search compares the addresses of a few neighbors.
/// That takes a byte or two a block, in a heap of small blocks and in one of large ones.
/// </summary>
internal sealed class BlockIndex : IDisposable
{
    private const int RegionBits = 18, MostGranuleBits = 10, BlocksOfGranule = 4;

    /// <summary>The most bytes that a block covers, and the most regions that are covered in all: more is no program's.</summary>
    private const long MostBytes = 1L << 38;
    private const int MostCoveredRegions = 1 << 22;

    private readonly BlockList _blocks;
    private readonly ulong _lowest, _highest;
    private readonly int _mask;

    /// <summary>Numbers of regions plus 1; 0 is a free slot.</summary>
    private readonly Column<ulong> _keys;

    /// <summary>
    /// The index in <see cref="_firsts"/> of each region's granules, or the complement of the one block that covers the region.
    /// </summary>
    private readonly Column<int> _places;

    /// <summary>The binary logarithm of the number of a region's granules.</summary>
    private readonly Column<byte> _granuleBits;
    private readonly Column<int> _firsts;

    /// <exception cref="ArgumentException">The blocks are not in ascending order of address.</exception>
    public BlockIndex(BlockList blocks)
    {
        _blocks = blocks;
        var (begun, covered, firsts) = Count(blocks);
        var capacity = 16;
        while (capacity < 2L * (begun + covered))
            capacity *= 2;

        (_mask, _keys, _places, _granuleBits) = (capacity - 1, new Column<ulong>(capacity), new Column<int>(capacity), new Column<byte>(capacity));
        _firsts = new Column<int>(firsts);
        if (blocks.Length > 0)
            (_lowest, _highest) = (blocks.AddressOf(0), blocks.AddressOf(blocks.Length - 1) + (ulong)Extent(blocks, blocks.Length - 1));

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
        var block = place < 0 ? ~place : Last(place + GranuleOf(address, _granuleBits[slot]), address);
        return block >= 0 && address - _blocks.AddressOf(block) < (ulong)Extent(_blocks, block) ? block : -1;
    }

    public void Dispose()
    {
        _keys.Dispose();
        _places.Dispose();
        _granuleBits.Dispose();
        _firsts.Dispose();
    }

    private static long Extent(BlockList blocks, int block) => Math.Clamp(blocks.BytesOf(block), 1, MostBytes);

    private static int GranuleOf(ulong address, int bits) => (int)((address & ((1 << RegionBits) - 1)) >> RegionBits - bits);

    /// <summary>Returns the binary logarithm of the number of granules of a region in which some blocks begin.</summary>
    private static int GranuleBits(int blocks) => Math.Min(BitOperations.Log2((uint)(blocks + BlocksOfGranule - 1) / BlocksOfGranule), MostGranuleBits);

    /// <summary>Returns the last block that begins at or before an address in a granule; the one before the granule when there is none in it.</summary>
    private int Last(int granule, ulong address)
    {
        var (low, high) = (_firsts[granule], _firsts[granule + 1]);
        while (low < high)
        {
            var middle = (int)((uint)(low + high) >> 1);
            if (_blocks.AddressOf(middle) <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }

    /// <summary>Returns the number of regions in which blocks begin, of those that are covered by the last block before, and of places for granules.</summary>
    private static (int Begun, int Covered, int Firsts) Count(BlockList blocks)
    {
        var (begun, covered, firsts) = (0, 0, 0);
        for (int i = 0, end; i < blocks.Length; i = end)
        {
            end = EndOfRegion(blocks, i);
            begun++;
            firsts = checked(firsts + (1 << GranuleBits(end - i)) + 1);
            covered = (int)Math.Min(covered + (long)CoveredRegions(blocks, end - 1), MostCoveredRegions);
        }

        return (begun, covered, firsts);
    }

    /// <summary>Returns the first block after those that begin in the same region as a block.</summary>
    private static int EndOfRegion(BlockList blocks, int block)
    {
        var region = blocks.AddressOf(block) >> RegionBits;
        for (block++; block < blocks.Length; block++)
        {
            if (blocks.AddressOf(block) <= blocks.AddressOf(block - 1))
                throw new ArgumentException($"block {block} does not follow its predecessor", nameof(blocks));

            if (blocks.AddressOf(block) >> RegionBits != region)
                break;
        }

        return block;
    }

    /// <summary>Returns the number of regions after the first of a block in which no block begins.</summary>
    private static ulong CoveredRegions(BlockList blocks, int block)
    {
        var (first, last) = (blocks.AddressOf(block) >> RegionBits, blocks.AddressOf(block) + (ulong)Extent(blocks, block) - 1 >> RegionBits);
        if (block + 1 < blocks.Length)
            last = Math.Min(last, (blocks.AddressOf(block + 1) >> RegionBits) - 1);

        return last > first && last != ulong.MaxValue ? last - first : 0;
    }

    private void Fill(int covered)
    {
        var place = 0;
        for (int i = 0, end; i < _blocks.Length; i = end)
        {
            end = EndOfRegion(_blocks, i);
            var (region, bits) = (_blocks.AddressOf(i) >> RegionBits, GranuleBits(end - i));
            Put(region, place, bits);
            var next = i;
            for (var granule = 0; granule < 1 << bits; granule++)
            {
                _firsts[place++] = next;
                while (next < end && GranuleOf(_blocks.AddressOf(next), bits) == granule)
                    next++;
            }

            _firsts[place++] = end;
            for (var more = CoveredRegions(_blocks, end - 1); more > 0 && covered > 0; more--, covered--)
                Put(region + more, ~(end - 1), 0);
        }
    }

    private void Put(ulong region, int place, int granuleBits)
    {
        var slot = Slot(region);
        (_keys[slot], _places[slot], _granuleBits[slot]) = (region + 1, place, (byte)granuleBits);
    }

    private int Slot(ulong region)
    {
        var slot = (int)(region * 0x9E3779B97F4A7C15 >> 32) & _mask;
        while (_keys[slot] != 0 && _keys[slot] != region + 1)
            slot = slot + 1 & _mask;

        return slot;
    }
}
