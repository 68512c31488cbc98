using AllocTrace.Memory;

namespace AllocTrace.Tests.Memory;

/// <summary>Requires that every resident byte has one owner, for random mappings and blocks.</summary>
[TestClass]
public sealed class MemoryAccountantTests
{
    private const ulong Page = MemoryMap.PageBytes;
    private const ulong Start = 0x10000000;

    [TestMethod]
    public void Pages_of_zeros_are_not_resident()
    {
        var mapping = Data(Start, 10, resident: 4, [new PageRun(Start / Page, 4, IsMaybe: false), new PageRun(Start / Page + 6, 3, IsMaybe: true)]);
        var account = Account(mapping, [new BlockRange(Start + 6 * Page, 100, 1)]);
        Assert.AreEqual(4 * (long)Page, account.Parts.Single().Resident);
        Assert.AreEqual(0, account.Parts.Single().Live, "the block is on none of the four");
    }

    [TestMethod]
    public void Empty_pages_of_an_arena_are_kept_by_its_blocks_in_proportion_to_their_number()
    {
        var mapping = Data(Start, 256, resident: 256);
        var blocks = new[] { new BlockRange(Start, 100, 1), new BlockRange(Start + 16 * Page, 100, 1), new BlockRange(Start + 32 * Page, 100, 2) };
        var account = Account(mapping, blocks, arenas: [(Start, 256 * Page)]);
        Assert.AreEqual(253 * (long)Page, Of(account, MemoryKind.ArenaEmpty));
        Assert.AreEqual(300, account.Parts.Sum(part => part.Live));
        Assert.AreEqual(2.0, account.Holds.Single(hold => hold.Site == 1).Bytes / (double)account.Holds.Single(hold => hold.Site == 2).Bytes, 0.01);
    }

    [TestMethod]
    public void Adjacent_owners_in_one_mapping_are_told_apart()
    {
        var map = Map(Data(Start, 100, resident: 100));
        map.Own.Add((Start, 10 * Page));
        map.Stacks.Add((Start + 30 * Page, Start + 39 * Page));
        var account = MemoryAccountant.Account(map, Live([new BlockRange(Start + 60 * Page + 16, 40 * Page - 32, 3)], [(Start + 45 * Page, 10 * Page)]), SnapshotKind.Live, "", 0);
        Assert.AreEqual(10 * (long)Page, Of(account, MemoryKind.AllocTrace));
        Assert.AreEqual(31 * (long)Page, Of(account, MemoryKind.Stacks));
        Assert.AreEqual(10 * (long)Page, Of(account, MemoryKind.ArenaEmpty));
        Assert.AreEqual(40 * (long)Page, Of(account, MemoryKind.Mapped));
    }

    [TestMethod]
    public void Free_pages_of_a_heap_below_its_top_would_be_trimmed()
    {
        var map = Map(Data(Start, 40, resident: 40, name: "[heap]"));
        var used = new ushort[40];
        (used[0], used[20]) = (4096, 500);
        map.Heaps.Add(new HeapRange(Start, Start + 40 * Page, Start + 21 * Page, Start + 40 * Page, IsMain: true) { Used = used });
        var account = MemoryAccountant.Account(map, Live([new BlockRange(Start + 20 * Page + 16, 400, 1)]), SnapshotKind.Live, "", 0);
        Assert.AreEqual(19 * (long)Page + 4096 - 500, Of(account, MemoryKind.HeapFree));
        Assert.AreEqual(19 * (long)Page, Of(account, MemoryKind.HeapTop));
        Assert.AreEqual((19 + 18) * (long)Page, account.Trim, "of the top, a page stays");
        Assert.AreEqual(4096 + 500 - 416, Of(account, MemoryKind.HeapUnrecorded));
        Assert.IsGreaterThan(19 * (long)Page, account.Holds.Single().Bytes, "the block keeps the gap below it");
    }

    [TestMethod]
    public void Whatever_the_mappings_are_the_parts_add_up()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var map = new MemoryMap();
            var blocks = new List<BlockRange>();
            var arenas = new List<(ulong, ulong)>();
            var at = Start;
            for (var i = random.Next(1, 8); i > 0; i--)
            {
                var pages = random.Next(1, 80);
                at += (ulong)random.Next(0, 3) * Page;
                map.Mappings.Add(RandomMapping(random, at, pages));
                AddRandomOwners(random, map, arenas, at, pages);
                for (var block = at + (ulong)random.Next(100) * 16; random.Next(40) > 0; block += (ulong)random.Next(1, 300) * 16)
                    blocks.Add(new BlockRange(block, (ulong)random.Next(1, 9000), (uint)random.Next(1, 9)));

                at += (ulong)pages * Page;
            }

            arenas.Sort();
            var account = MemoryAccountant.Account(map, Live([.. blocks.OrderBy(block => block.Address)], arenas) with { IsMimalloc = random.Next(3) == 0 }, SnapshotKind.Live, "", 0);
            Assert.AreEqual(account.Resident, account.Parts.Sum(part => part.Resident), $"seed {seed}");
            Assert.IsTrue(account.Parts.All(part => part.Resident > 0 && part.Live >= 0 && part.Live <= part.Resident), $"seed {seed}");
            Assert.IsTrue(account.Trim >= 0 && account.Trim <= account.Resident, $"seed {seed}");
        }
    }

    private static MappedRange RandomMapping(Random random, ulong start, int pages)
    {
        var runs = new List<PageRun>();
        for (var page = 0; page < pages;)
        {
            var length = Math.Min(random.Next(1, 10), pages - page);
            if (random.Next(3) > 0)
                runs.Add(new PageRun(start / Page + (ulong)page, (ulong)length, random.Next(4) == 0));

            page += length;
        }

        var name = random.Next(6) switch { 0 => "[heap]", 1 => "/usr/lib/libx.so", 2 => "[stack]", 3 => "/dev/shm/x.alloctrace", _ => "" };
        return new MappedRange(start, start + (ulong)pages * Page, random.Next(0, pages + 1) * (long)Page, 0, name)
        {
            IsWritable = random.Next(8) > 0,
            IsShared = random.Next(8) == 0,
            IsGuarded = random.Next(5) == 0,
            Pages = random.Next(9) == 0 ? null : runs,
        };
    }

    private static void AddRandomOwners(Random random, MemoryMap map, List<(ulong, ulong)> arenas, ulong start, int pages)
    {
        if (random.Next(2) == 0)
            map.Own.Add((start + (ulong)random.Next(pages) * Page, (ulong)random.Next(1, 5) * Page));
        if (random.Next(2) == 0)
            map.Stacks.Add((start + (ulong)random.Next(pages) * Page, start + (ulong)random.Next(pages) * Page));
        if (random.Next(2) == 0)
            arenas.Add((start + (ulong)random.Next(pages) * Page, (ulong)random.Next(1, 30) * Page));
        if (random.Next(2) > 0)
            return;

        var end = start + (ulong)pages * Page;
        map.Heaps.Add(new HeapRange(start, end, start + (ulong)random.NextInt64((long)(end - start)), start + (ulong)random.NextInt64((long)(end - start)), random.Next(2) == 0)
        {
            Used = [.. Enumerable.Range(0, random.Next(pages + 1)).Select(_ => (ushort)random.Next(4097))],
        });
    }

    private static MappedRange Data(ulong start, int pages, int resident, IReadOnlyList<PageRun>? runs = null, string name = "") =>
        new(start, start + (ulong)pages * Page, resident * (long)Page, 0, name) { IsWritable = true, Pages = runs ?? [new PageRun(start / Page, (ulong)resident, false)] };

    private static MemoryMap Map(MappedRange mapping)
    {
        var map = new MemoryMap();
        map.Mappings.Add(mapping);
        return map;
    }

    private static LiveMemory Live(IEnumerable<BlockRange> blocks, IReadOnlyList<(ulong, ulong)>? arenas = null) =>
        new() { Blocks = blocks, Arenas = arenas ?? [], DomainOf = _ => "", IsOfObjects = site => site < 3 };

    private static MemoryAccount Account(MappedRange mapping, IEnumerable<BlockRange> blocks, IReadOnlyList<(ulong, ulong)>? arenas = null) =>
        MemoryAccountant.Account(Map(mapping), Live(blocks, arenas), SnapshotKind.Live, "", 0);

    private static long Of(MemoryAccount account, string kind) => account.Parts.Where(part => part.Kind == kind).Sum(part => part.Resident);
}
