using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>Types, owners, holders and garbage of the live blocks of a process, from its memory. Everything is computed here; nothing runs in the process.</summary>
internal sealed class HeapAnalysis
{
    private readonly HeapGraph _graph;

    private HeapAnalysis(HeapGraph graph)
    {
        _graph = graph;
        Types = [.. graph.TypeReader.All.Select(graph.Values.NameOf)];
        Rows = SumRows();
    }

    /// <summary>The types of the image. Rows and blocks have their places in this list.</summary>
    public IReadOnlyList<TypeName> Types { get; }

    /// <summary>The blocks, summed by site, type and kind.</summary>
    public IReadOnlyList<TypeRow> Rows { get; }

    /// <summary>Analyzes the live blocks of a process.</summary>
    /// <param name="image">The memory of the process at the moment at which the blocks were live.</param>
    /// <param name="blocks">The live blocks in ascending order of address. The caller must not change them afterwards.</param>
    /// <param name="build">The CPython whose objects they hold.</param>
    /// <exception cref="ArgumentException">The blocks are not in ascending order.</exception>
    /// <exception cref="InvalidOperationException">There are more references than 2^31.</exception>
    public static HeapAnalysis Of(IMemoryImage image, ImageBlock[] blocks, PythonBuild build) => new(HeapGraph.Read(image, blocks, build));

    /// <summary>Returns what a block is.</summary>
    public BlockKind KindOf(int block) => _graph.KindOf(block);

    /// <summary>Returns the type of a block's object or owner as a place in <see cref="Types"/>, or -1.</summary>
    public int TypeOf(int block) => _graph.TypeOf(block);

    private List<TypeRow> SumRows()
    {
        var sums = new Dictionary<(int Site, int Type, BlockKind Kind), (long Blocks, long Bytes)>();
        for (var i = 0; i < _graph.Blocks.Length; i++)
        {
            ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(sums, (_graph.Blocks[i].Site, TypeOf(i), KindOf(i)), out _);
            sum = (sum.Blocks + 1, sum.Bytes + _graph.Blocks[i].Bytes);
        }

        return [.. sums.Select(row => new TypeRow(row.Key.Site, row.Key.Type, row.Key.Kind, row.Value.Blocks, row.Value.Bytes, 0))];
    }
}
