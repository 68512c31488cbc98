using System.Text;

using AllocTrace.Memory;
using AllocTrace.Testing;
using AllocTrace.Wire;

namespace AllocTrace.Tests.Memory;

/// <summary>Reads damaged accounts, because sessions are foreign input.</summary>
[TestClass]
public sealed class MemoryMapReaderTests
{
    private static readonly ulong[] _words =
    [
        Item(1, 2, 1), 6_000_000_000, 0,
        Item(2, 6, 1), 0x10000000, 0x10004000, 0x3000, 0, .. Text("[heap]"), 0,
        Item(3, 2, 0), 0x10000UL << 28 | 2, 0x10003UL << 28 | 1UL << 27 | 1,
        Item(4, 2, 0), 0x20000000, 0x1000,
        Item(6, 4, 1), 0x10000000, 0x10004000, 0x10003000, 0x10004000,
        Item(7, 1, 0), 0x0000_0200_0000_1000,
        Item(8, 0, 4),
    ];

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Reads_what_wire_h_describes()
    {
        using var session = Session(_words);
        var (map, occasion, _) = MemoryMapReader.Read(session, 0);
        Assert.AreEqual(MemoryOccasion.Finalizing, occasion);
        Assert.AreEqual(MemoryMissing.Room, map.Missing);
        var mapping = map.Mappings.Single();
        Assert.AreEqual(("[heap]", 0x3000, true), (mapping.Name, mapping.Resident, mapping.IsWritable));
        CollectionAssert.AreEqual(new[] { new PageRun(0x10000, 2, false), new PageRun(0x10003, 1, true) }, mapping.Pages!.ToArray());
        Assert.AreEqual(0x1000, map.Heaps.Single().UsedOf(0x10000));
        Assert.AreEqual(0x200, map.Heaps.Single().UsedOf(0x10002));
        Assert.AreEqual((0x20000000UL, 0x1000UL), map.Own.Single());
    }

    [TestMethod]
    public void Damage_is_an_exception_of_one_line_or_a_map_that_adds_up()
    {
        var random = new Random(1);
        for (var i = 0; i < 500; i++)
        {
            ulong[] words = [.. _words];
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                words[random.Next(words.Length)] = random.Next(3) switch { 0 => (ulong)random.NextInt64(), 1 => ulong.MaxValue, _ => words[random.Next(words.Length)] ^ 1UL << random.Next(64) };

            using var session = Session(words, $"{i}");
            try
            {
                var map = MemoryMapReader.Read(session, 0).Map;
                var live = new LiveMemory { Blocks = [], Arenas = [], DomainOf = _ => "", IsOfObjects = _ => true };
                var account = MemoryAccountant.Account(map, live, SnapshotKind.Live, "", 0);
                Assert.AreEqual(account.Resident, account.Parts.Sum(part => part.Resident));
            }
            catch (InvalidTraceException e)
            {
                StringAssert.Contains(e.Message, "the account of resident memory");
            }
        }
    }

    private static ulong Item(byte kind, uint words, uint flags) => (ulong)kind << 56 | (ulong)words << 32 | flags;

    private static IEnumerable<ulong> Text(string text) => [BitConverter.ToUInt64([.. Encoding.UTF8.GetBytes(text), .. new byte[8 - text.Length]])];

    private SessionFile Session(ulong[] words, string name = "session")
    {
        var path = _folder.File($"{name}.alloctrace");
        using var builder = new SessionBuilder(path, capacity: 1 << 20);
        builder.AddExtent(7);
        var start = SessionBuilder.HeaderBytes + (builder.Get32(512) - 1) * (long)SessionBuilder.ExtentBytes;
        for (var i = 0; i < words.Length; i++)
            builder.Set64(start + i * sizeof(ulong), words[i]);

        builder.Set64(1064, (ulong)words.Length);
        return SessionFile.TryOpen(path, shared: false)!;
    }
}
