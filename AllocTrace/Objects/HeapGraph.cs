namespace AllocTrace.Objects;

/// <summary>The live blocks of a process as a graph: types, owners and references, and the means to read more.</summary>
internal sealed class HeapGraph : IDisposable
{
    private HeapGraph(IMemoryImage image, BlockList blocks, PythonBuild build)
    {
        (Image, Blocks, Build) = (image, blocks, build);
        Memory = new PageReader(image);
        TypeReader = new TypeReader(Memory, build);
        Values = new ValueReader(Memory, TypeReader, build);
        Code = new CodeNames(Memory, Values, build);
        Index = new BlockIndex(blocks);
        Types = ObjectScan.Run(image, blocks, Index, Memory, TypeReader, Values, build.Layout);
        Target = new ReferenceTarget(blocks, Index, Types);
        using var scan = new ReferenceScan(image, blocks, Types, Target, TypeReader, build, Memory);
        References = BlockGraph.Read(scan, Types);
    }

    public IMemoryImage Image { get; }

    public BlockList Blocks { get; }

    public PythonBuild Build { get; }

    public PageReader Memory { get; }

    public TypeReader TypeReader { get; }

    public ValueReader Values { get; }

    public CodeNames Code { get; }

    public BlockIndex Index { get; }

    public BlockTypes Types { get; }

    public ReferenceTarget Target { get; }

    public BlockGraph References { get; }

    /// <summary>Reads the blocks of an image.</summary>
    /// <param name="image">The memory of the process at the moment at which the blocks were live.</param>
    /// <param name="blocks">The live blocks in ascending order of address; not owned.</param>
    /// <param name="build">The CPython whose objects they hold.</param>
    /// <exception cref="ArgumentException">The blocks are not in ascending order.</exception>
    /// <exception cref="InvalidOperationException">There are more references than 2^31.</exception>
    public static HeapGraph Read(IMemoryImage image, BlockList blocks, PythonBuild build) => new(image, blocks, build);

    public void Dispose()
    {
        Memory.Dispose();
        Index.Dispose();
        Types.Dispose();
        References.Dispose();
    }

    /// <summary>Returns what a block is.</summary>
    public BlockKind KindOf(int block) => Types.IsObject(block)
        ? Types.IsDead(block) ? BlockKind.Free : BlockKind.Object
        : Types.OwnerOf(block) >= 0 ? BlockKind.Buffer : BlockKind.Memory;

    /// <summary>Returns the number of the type of a block's object or owner, or -1.</summary>
    public int TypeOf(int block) => References.ObjectOf(block) is var node and >= 0 ? Types[node] : -1;

    /// <summary>Returns the type of the object in a block.</summary>
    public ObjectType TypeOfObject(int block) => TypeReader.All[Types[block]];
}
