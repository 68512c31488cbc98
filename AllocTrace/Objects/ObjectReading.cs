using System.IO.Compression;

using AllocTrace.Replay;
using AllocTrace.Stacks;

namespace AllocTrace.Objects;

/// <summary>Reads the types and holders of live blocks from an image of their process's memory.</summary>
internal static class ObjectReading
{
    /// <summary>The most blocks of which the graph is kept: about 10 bytes a block when compressed, and the time to write it.</summary>
    private const int MostGraphBlocks = 1 << 21;

    /// <summary>Reads them. Takes seconds for millions of blocks. The list of blocks is disposed of as soon as it is copied, so that the replay owns its pages again.</summary>
    /// <param name="image">The memory at the moment of the blocks.</param>
    /// <param name="pid">A process that has the same mappings, in which the CPython is looked for.</param>
    /// <param name="live">The blocks; owned.</param>
    /// <param name="lines">The lines of sites, for the graph.</param>
    /// <param name="method">See <see cref="ObjectContents.Method"/>.</param>
    /// <param name="pauseNs">See <see cref="ObjectContents.PauseNs"/>.</param>
    /// <exception cref="IOException">The memory cannot be read, or not understood. The message is one line.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not allow it.</exception>
    public static ObjectContents Read(IMemoryImage image, uint pid, LiveBlocks live, IReadOnlyDictionary<int, SnapshotSite> lines, ReadingMethod method, long pauseNs)
    {
        if (image.Regions.Count == 0)
            throw new IOException("the copy of the process ended before it was read");

        var (build, others) = BuildOf(image, pid);
        using var blocks = Blocks(live);
        live.Dispose();
        using var graph = HeapGraph.Read(image, blocks, build);
        using var analysis = HeapAnalysis.Of(graph);
        return new ObjectContents
        {
            Method = method,
            PauseNs = pauseNs,
            Note = others ? "types are those of the first CPython of the process only" : "",
            Rows = RowsOf(analysis),
            RetainedBySite = analysis.RetainedBySite,
            Holders = MergedHolders(analysis.HoldersOfAll()),
            Garbage = GarbageOf(analysis),
            Graph = blocks.Length <= MostGraphBlocks ? GraphOf(analysis, lines) : null,
        };
    }

    private static StoredGraph GraphOf(HeapAnalysis analysis, IReadOnlyDictionary<int, SnapshotSite> lines)
    {
        var graph = new StoredGraph();
        try
        {
            using var gzip = new GZipStream(graph.Content, CompressionLevel.Fastest, leaveOpen: true);
            using var content = new BackgroundStream(gzip);
            analysis.WriteHeapSnapshot(content, site => lines.GetValueOrDefault(site, new SnapshotSite("", "", 0)));
        }
        catch
        {
            graph.Dispose();
            throw;
        }

        return graph;
    }

    /// <summary>Sums the rows of types of one name: a class that a program makes again and again has a type each time.</summary>
    private static List<ObjectRow> RowsOf(HeapAnalysis analysis)
    {
        var sums = new Dictionary<(int, string, string), ObjectRow>();
        foreach (var row in analysis.Rows)
        {
            var (type, kind) = (NameOf(analysis, row.Type), row.Kind.Word());
            var sum = sums.GetValueOrDefault((row.Site, type, kind), new ObjectRow(row.Site, type, kind, 0, 0, 0));
            sums[(row.Site, type, kind)] = sum with { Blocks = sum.Blocks + row.Blocks, Bytes = sum.Bytes + row.Bytes, Retained = sum.Retained + row.Retained };
        }

        return [.. sums.Values];
    }

    private static List<HeldRow> MergedHolders(IReadOnlyList<HeldRow> rows) =>
    [
        .. rows.GroupBy(row => (row.Site, row.Type, row.Path)).Select(same => same.First() with
        {
            Blocks = same.Sum(row => row.Blocks), Of = same.Sum(row => row.Of), Bytes = same.Sum(row => row.Bytes), Retained = same.Sum(row => row.Retained),
        }),
    ];

    /// <summary>Buffers of garbage count with the objects that have them.</summary>
    private static List<GarbageRow> GarbageOf(HeapAnalysis analysis) =>
    [
        .. analysis.Garbage.Where(row => row.Kind == BlockKind.Object).GroupBy(row => (row.Site, Type: NameOf(analysis, row.Type)))
            .Select(rows => new GarbageRow(rows.Key.Site, rows.Key.Type, rows.Sum(row => row.Blocks), rows.Sum(row => row.Bytes))),
    ];

    private static string NameOf(HeapAnalysis analysis, int type) => type < 0 ? "" : analysis.Types[type].FullName;

    /// <summary>Returns the CPython of a process, and whether there are others.</summary>
    private static (PythonBuild Build, bool HasOthers) BuildOf(IMemoryImage image, uint pid)
    {
        var all = RemotePython.FindAll(new ProcessMemory(pid));
        var why = "";
        foreach (var python in all)
        {
            if (PythonBuild.Find(image, python.Layout.Minor, python.Layout.FreeThreaded, python.Runtime, out why) is { } build)
                return (build, all.Count > 1);
        }

        throw new IOException(why);
    }

    /// <summary>Returns the blocks in ascending order. Where two domains have one at the same address, Python's own counts.</summary>
    private static BlockList Blocks(LiveBlocks live)
    {
        var blocks = new BlockList(checked((int)live.Count));
        live.ForEach((address, block) => blocks.Add(address, (long)block.Bytes, live.DomainOf(block.Site), (int)block.Site));
        return blocks.Sort();
    }
}
