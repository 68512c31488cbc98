using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AllocTrace.Objects;

namespace AllocTrace.Fuzz;

/// <summary>
/// Analyzes damaged memory: pages of a real process that the analysis of some of its blocks reads. Words: minor version, address of <c>_PyRuntime</c>, number of
/// blocks, number of pages; then the blocks {address, bytes, domain}; then the pages {address, 4096 bytes}.
/// </summary>
/// <remarks>Single bytes rarely make a wrong address that leads anywhere. So a damaged input also gets words in the places of other words.</remarks>
internal sealed class ObjectTarget(IReadOnlyList<Seed> seeds) : Target(seeds)
{
    private const int HeaderBytes = 32, BlockBytes = 24, PageBytes = 4096, MostTypes = 8;

    protected override bool Read(Seed seed)
    {
        var bytes = File.ReadAllBytes(seed.Path);
        if (bytes.Length < HeaderBytes)
            return false;

        if (!bytes.AsSpan().SequenceEqual(seed.Bytes))
            Exchange(bytes);

        var image = new PageImage(bytes, Word(bytes, 8));
        var count = (int)Math.Min(Word(bytes, 16), (ulong)(bytes.Length - HeaderBytes) / BlockBytes);
        var blocks = Enumerable.Range(0, count).Select(i => HeaderBytes + (i * BlockBytes))
            .Select((at, i) => new ImageBlock(Word(bytes, at), (long)(Word(bytes, at + 8) & long.MaxValue), (byte)Word(bytes, at + 16), i % 7))
            .OrderBy(block => block.Address).DistinctBy(block => block.Address).ToArray();
        if (PythonBuild.Find(image, (int)Math.Min(Word(bytes, 0), 99), freeThreaded: false, Word(bytes, 8), out _) is not { } build)
            return false;

        _ = ThreadNames.Read(image, build);
        using var list = BlockList.Of(blocks);
        using var graph = HeapGraph.Read(image, list, build);
        using var analysis = HeapAnalysis.Of(graph);
        Check(analysis, blocks);
        return true;
    }

    /// <summary>
    /// Copies words to the places of others: a few or many, chosen by the content, so that an input has the same effect each time.
    /// </summary>
    private static void Exchange(byte[] bytes)
    {
        var random = new Random(Sum(bytes));
        var words = MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan(HeaderBytes));
        for (var left = random.Next(4) switch { 0 => 0, 1 => 30, 2 => 1000, _ => 20_000 }; left > 0 && words.Length > 0; left--)
        {
            var (from, to) = (random.Next(words.Length), random.Next(words.Length));
            if (words[from] != 0 && words[to] != 0)
                words[to] = words[from] + (random.Next(8) == 0 ? (ulong)(random.Next(-4, 5) * 8) : 0);
        }
    }

    private static int Sum(byte[] bytes)
    {
        var sum = 17;
        foreach (var word in MemoryMarshal.Cast<byte, int>(bytes))
            sum = (sum * 31) + word;

        return sum;
    }

    private static void Check(HeapAnalysis analysis, ImageBlock[] blocks)
    {
        if (analysis.Rows.Sum(row => row.Blocks) != blocks.Length)
            throw new InvalidOperationException($"the rows have {analysis.Rows.Sum(row => row.Blocks)} of {blocks.Length} blocks");

        foreach (var type in Enumerable.Range(0, Math.Min(analysis.Types.Count, MostTypes)))
        {
            var holders = analysis.HoldersOfType(type);
            if (holders.GarbageBlocks + holders.Rows.Sum(row => row.Blocks) > holders.Blocks)
                throw new InvalidOperationException($"{analysis.Types[type]} has more holders than objects");
        }

        analysis.WriteHeapSnapshot(Stream.Null, site => new SnapshotSite("f", "file.py", site));
    }

    private static ulong Word(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));

    private sealed class PageImage : IMemoryImage
    {
        private readonly byte[] _bytes;
        private readonly Dictionary<ulong, int> _pages = [];

        public PageImage(byte[] bytes, ulong runtime)
        {
            _bytes = bytes;
            var first = HeaderBytes + ((long)Math.Min(Word(bytes, 16), (ulong)bytes.Length) * BlockBytes);
            for (var (at, left) = (first, Word(bytes, 24)); left > 0 && at + sizeof(ulong) + PageBytes <= bytes.Length; at += sizeof(ulong) + PageBytes, left--)
                _pages[Word(bytes, (int)at) / PageBytes] = (int)at + sizeof(ulong);

            var page = runtime & ~(ulong)(PageBytes - 1);
            Regions = [new MemoryRegion(page, page + (64 * PageBytes), 0, IsWritable: true, IsShared: false, "/nowhere/python3")];
        }

        public IReadOnlyList<MemoryRegion> Regions { get; }

        public string FileRoot => "/nowhere";

        public bool TryRead(ulong address, Span<byte> into)
        {
            while (into.Length > 0)
            {
                if (!_pages.TryGetValue(address / PageBytes, out var page))
                    return false;

                var offset = (int)(address % PageBytes);
                var count = Math.Min(into.Length, PageBytes - offset);
                _bytes.AsSpan(page + offset, count).CopyTo(into);
                into = into[count..];
                address += (ulong)count;
            }

            return true;
        }
    }
}
