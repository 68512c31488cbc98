namespace AllocTrace.Objects;

/// <summary>Types, owners, holders and garbage of the live blocks of a process, from its memory. Everything is computed here; nothing runs in the process.</summary>
internal sealed class HeapAnalysis : IDisposable
{
    private const int MostHolders = 50;

    private readonly HeapGraph _graph;
    private readonly ShortestPaths _paths;
    private readonly Dominators _dominators;
    private readonly PathTexts _texts;
    private readonly List<int> _garbageEntries;

    private HeapAnalysis(HeapGraph graph, bool isPrivate)
    {
        _graph = graph;
        Balance = Balance.Of(graph);
        graph.References.RemoveBorrowed();
        _paths = new ShortestPaths(graph, RootFinder.Find(graph));
        _garbageEntries = GarbageEntries.Find(graph, _paths);
        _dominators = new Dominators(graph.References, [.. _paths.Roots.InOrder(), .. _garbageEntries], graph.Blocks);
        _texts = new PathTexts(graph, _paths, isPrivate);
        Types = NamesOf(graph);
        using var sums = new TypeSums(graph, _paths, _dominators);
        (Rows, Garbage, RetainedByType, RetainedBySite) = (sums.Rows(), sums.Garbage(), sums.RetainedByType, sums.RetainedBySite);
    }

    /// <summary>The types of the image. Rows and blocks have their places in this list.</summary>
    public IReadOnlyList<TypeName> Types { get; }

    /// <summary>The blocks, summed by site, type and kind.</summary>
    public IReadOnlyList<TypeRow> Rows { get; }

    /// <summary>The blocks that wait for the cyclic collector, summed the same way.</summary>
    public IReadOnlyList<TypeRow> Garbage { get; }

    /// <summary>The bytes that the objects of each type retain, together.</summary>
    public IReadOnlyList<long> RetainedByType { get; }

    /// <summary>The bytes that the blocks of each site retain, together.</summary>
    public IReadOnlyDictionary<int, long> RetainedBySite { get; }

    /// <summary>The agreement of references and reference counts.</summary>
    public Balance Balance { get; }

    /// <summary>Analyzes a graph that was read. The graph must not be used by another analysis.</summary>
    /// <param name="graph">The graph; not owned. The memory of its image is not read after the last query.</param>
    /// <param name="isPrivate">True if paths leave out keys of dicts, which are the program's data.</param>
    public static HeapAnalysis Of(HeapGraph graph, bool isPrivate = false) => new(graph, isPrivate);

    /// <summary>Returns the names of all types. To read a name may find types that no block has.</summary>
    private static List<TypeName> NamesOf(HeapGraph graph)
    {
        var names = new List<TypeName>();
        for (var i = 0; i < graph.TypeReader.All.Count; i++)
            names.Add(graph.Values.NameOf(graph.TypeReader.All[i]));

        return names;
    }

    /// <summary>Returns what a block is.</summary>
    public BlockKind KindOf(int block) => _graph.KindOf(block);

    /// <summary>Returns the type of a block's object or owner as a place in <see cref="Types"/>, or -1.</summary>
    public int TypeOf(int block) => _graph.TypeOf(block);

    /// <summary>Returns whether a block waits for the cyclic collector.</summary>
    public bool IsGarbage(int block) => _paths.IsGarbage(block);

    /// <summary>Returns the bytes that would be freed with a block.</summary>
    public long RetainedBy(int block) => _dominators.RetainedBy(block);

    /// <summary>Returns who holds the objects of a type.</summary>
    /// <param name="type">The place of the type in <see cref="Types"/>.</param>
    /// <param name="most">The most paths that are returned.</param>
    public Holders HoldersOfType(int type, int most = MostHolders) => HoldersOf(block => _graph.Types[block] == type, most);

    /// <summary>Returns who holds the blocks of some sites.</summary>
    public Holders HoldersOfSites(IReadOnlySet<int> sites, int most = MostHolders) => HoldersOf(block => sites.Contains(_graph.Blocks.SiteOf(block)), most);

    /// <summary>Returns who holds the objects of each site and type, with paths with and without the keys of the program.</summary>
    public IReadOnlyList<HeldRow> HoldersOfAll()
    {
        using var sums = new HolderSums(_graph, _paths, _dominators, _texts);
        using var privateTexts = new PathTexts(_graph, _paths, isPrivate: true);
        return sums.Rows(_texts, privateTexts, type => Types[type].FullName);
    }

    /// <summary>Returns who holds a set of blocks.</summary>
    public Holders HoldersOf(Func<int, bool> isMember, int most = MostHolders) =>
        HolderQuery.Run(_graph, _paths, _dominators, _texts, isMember, most);

    /// <summary>Writes a heap snapshot in V8's format, which Chrome's Memory panel loads. String contents are not in it; names and keys are.</summary>
    /// <param name="stream">The stream to write to, which stays open.</param>
    /// <param name="siteOf">The line of a site.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public void WriteHeapSnapshot(Stream stream, Func<int, SnapshotSite> siteOf)
    {
        HeapSnapshotWriter.Write(_graph, _paths, _garbageEntries, siteOf, stream);
    }

    /// <summary>Gives the memory of the analysis back, not that of the graph.</summary>
    public void Dispose()
    {
        _paths.Dispose();
        _dominators.Dispose();
        _texts.Dispose();
    }
}
