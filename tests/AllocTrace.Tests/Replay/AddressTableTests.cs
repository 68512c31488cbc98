using AllocTrace.Replay;

using CsCheck;

namespace AllocTrace.Tests.Replay;

[TestClass]
public sealed class AddressTableTests
{
    [TestMethod]
    public void Address_table_holds_what_a_dictionary_holds() => Gen.Int.Sample(seed =>
    {
        var random = new Random(seed);
        using var table = new AddressTable();
        var expected = new Dictionary<ulong, LiveBlock>();
        for (var i = 0; i < 2000; i++)
        {
            // Few granules on many pages, far more than the cache has places; some addresses lie between granules.
            var address = ((ulong)random.Next(3000) << 16) + (ulong)random.Next(4) * 16 + (random.Next(8) == 0 ? 8u : 0u);
            expected.Remove(address, out var present);
            if (random.Next(2) == 0)
            {
                var block = new LiveBlock(random.Next(10) == 0 ? uint.MaxValue - 1 + (ulong)random.Next(4) : (ulong)random.Next(), (uint)random.Next(1, 1000));
                Assert.AreEqual(present, Put(table, address, block));
                expected.Add(address, block);
            }
            else
            {
                Assert.AreEqual(present, Take(table, address));
            }
        }

        foreach (var (address, block) in expected)
            Assert.AreEqual(block, Take(table, address));
    }, iter: 100, threads: 1);

    [TestMethod]
    public void Pages_without_blocks_are_freed()
    {
        using var table = new AddressTable();
        for (var address = 0UL; address < 10_000UL << 16; address += 1 << 16)
            table.Put(address, 1, 1, out _);

        Assert.AreEqual(10_000, table.PageCount);
        for (var address = 0UL; address < 10_000UL << 16; address += 1 << 16)
            table.Take(address, out _);

        Assert.IsTrue(table.PageCount <= 128, $"{table.PageCount} pages without blocks");
    }

    [TestMethod]
    public void Addresses_that_share_a_place_in_the_cache_are_told_apart()
    {
        using var table = new AddressTable();
        const ulong distance = 1024UL << 16;
        for (var i = 0UL; i < 10; i++)
            table.Put(i * distance, i, site: 1 + (uint)i, out _);

        for (var i = 0UL; i < 10; i++)
        {
            Assert.AreEqual(1 + (uint)i, table.Take(i * distance, out var size));
            Assert.AreEqual(i, size);
        }
    }

    [TestMethod]
    public void Clones_do_not_see_each_other_s_changes()
    {
        var random = new Random(1);
        var tables = new List<(AddressTable Table, Dictionary<ulong, LiveBlock> Model)> { (new AddressTable(), []) };
        for (var step = 0; step < 200_000; step++)
        {
            if (step % 20_000 == 10_000)
            {
                var (table, model) = tables[random.Next(tables.Count)];
                tables.Add((table.Clone(), new Dictionary<ulong, LiveBlock>(model)));
            }

            var (changed, expected) = tables[random.Next(tables.Count)];
            var address = (ulong)random.Next(1 << 14) << 7 | (random.Next(100) == 0 ? 8u : 0u);
            if (random.Next(2) == 0)
            {
                var block = new LiveBlock(random.Next(100) == 0 ? 5UL << 32 : (ulong)random.Next(1000), 1 + (uint)step);
                Assert.AreEqual(expected.GetValueOrDefault(address), Put(changed, address, block));
                expected[address] = block;
            }
            else
            {
                expected.Remove(address, out var block);
                Assert.AreEqual(block, Take(changed, address));
            }

            if (step % 20_000 == 19_999 && tables.Count > 3)
            {
                tables[1].Table.Dispose();
                tables.RemoveAt(1);
            }
        }

        foreach (var (table, model) in tables)
        {
            foreach (var (address, block) in model)
                Assert.AreEqual(block, Take(table, address));

            table.Dispose();
        }
    }

    /// <summary>Puts a block into the table as the replay does: the usual case first.</summary>
    private static unsafe LiveBlock Put(AddressTable table, ulong address, LiveBlock block)
    {
        if (block.Bytes < AddressPage.WideBytes && AddressTable.TryPut(table.Pages, address, (uint)block.Bytes, block.Site))
            return default;

        return new LiveBlock(Site: table.Put(address, block.Bytes, block.Site, out var replacedSize), Bytes: replacedSize);
    }

    private static unsafe LiveBlock Take(AddressTable table, ulong address)
    {
        var entry = AddressTable.TryTake(table.Pages, address);
        return entry != 0 ? new LiveBlock((uint)entry, (uint)(entry >> 32)) : new LiveBlock(Site: table.Take(address, out var size), Bytes: size);
    }
}
