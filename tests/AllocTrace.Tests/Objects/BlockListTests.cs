using AllocTrace.Objects;

namespace AllocTrace.Tests;

/// <summary>Lists and indexes of blocks are compared with a search of all blocks.</summary>
[TestClass]
public sealed class BlockListTests
{
    [TestMethod]
    [DataRow(16, 3000, 0)] // small blocks side by side, as in pools
    [DataRow(700, 2000, 5000)]
    [DataRow(300_000, 300, 1 << 20)] // blocks that cover regions in which none begins
    public void Block_of_an_address_is_the_one_that_covers_it(int mostBytes, int count, int mostGap)
    {
        var random = new Random(7);
        var (made, at) = (new List<ImageBlock>(), 0x7f00_0000_0000UL);
        for (var i = 0; i < count; i++)
        {
            made.Add(new ImageBlock(at, random.Next(mostBytes) + 1, 2, i));
            at += (ulong)(made[^1].Bytes + 15 & ~15L) + ((ulong)random.Next(mostGap + 1) & ~15UL);
        }

        using var blocks = BlockList.Of(made.ToArray());
        using var index = new BlockIndex(blocks);
        for (var i = 0; i < 2000; i++)
        {
            var near = made[random.Next(count)];
            var address = near.Address + (ulong)random.Next(-20, (int)near.Bytes + 20);
            Assert.AreEqual(made.FindIndex(block => address - block.Address < (ulong)block.Bytes), index.Find(address), $"{address:x}");
        }
    }

    [TestMethod]
    public void Blocks_are_sorted_and_the_lowest_domain_counts()
    {
        const long Large = 5L << 30;
        var blocks = new BlockList(5);
        (ulong Address, long Bytes, byte Domain)[] added = [(0x5000, 10, 3), (0x1000, Large, 5), (0x3000, 30, 2), (0x1000, 11, 2), (0x3000, 31, 4)];
        foreach (var (address, bytes, domain) in added)
            blocks.Add(address, bytes, domain, (int)bytes & 0xff);

        using var sorted = blocks.Sort();
        var expected = new ImageBlock[] { new(0x1000, 11, 2, 11), new(0x3000, 30, 2, 30), new(0x5000, 10, 3, 10) };
        CollectionAssert.AreEqual(expected, Enumerable.Range(0, sorted.Length).Select(block => sorted[block]).ToArray());
        Assert.AreEqual(0, blocks.Length);

        using var large = BlockList.Of([new(0x1000, Large, 15, (1 << 28) - 1)]);
        Assert.AreEqual(new ImageBlock(0x1000, Large, 15, (1 << 28) - 1), large[0]);
        Assert.AreSame(large, large.Sort());
    }
}
