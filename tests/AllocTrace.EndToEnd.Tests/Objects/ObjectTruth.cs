using AllocTrace.Objects;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Compares a graph with the reports of the program, its collector and PyRefTracer.</summary>
internal static class ObjectTruth
{
    /// <summary>A comparison: the number of objects, the number that agreed, and examples of the others by number.</summary>
    public sealed record Agreement(long Of, long Agreed, Dictionary<string, int> Others)
    {
        public double Share => Of == 0 ? 1 : (double)Agreed / Of;

        public override string ToString() => $"{Agreed:N0} of {Of:N0} ({100 * Share:F3} %); " + string.Join(", ", Others.OrderByDescending(other => other.Value).Take(12).Select(other => $"{other.Value} {other.Key}"));
    }

    /// <summary>Counts the objects that the program itself reached, and those of them that have the right type.</summary>
    public static Agreement Census(HeapGraph graph, string path)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        foreach (var line in File.ReadLines(path))
        {
            var fields = line.Split(' ', 4);
            var (address, type) = (ulong.Parse(fields[0]), ulong.Parse(fields[1]));
            var block = graph.Index.Find(address);
            if (block < 0 || graph.Blocks[block].Domain != ImageBlock.ObjectDomain)
                continue;

            of++;
            if (IsObjectAt(graph, block, address) && graph.TypeOfObject(block).Address == type)
                agreed++;
            else
                Count(others, $"{fields[2]} {Describe(graph, block)}");
        }

        return new(of, agreed, others);
    }

    /// <summary>Counts the objects that PyRefTracer saw, and those of them that were found.</summary>
    public static Agreement Recall(HeapGraph graph, ObjectLog log)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        foreach (var address in log.Objects!)
        {
            var block = graph.Index.Find(address);
            if (block < 0 || graph.Blocks[block].Site == 0 || graph.Blocks[block].Domain != ImageBlock.ObjectDomain)
                continue;

            of++;
            if (IsObjectAt(graph, block, address))
                agreed++;
            else
                Count(others, $"{graph.TypeReader.TypeOf(address)?.Name} {Describe(graph, block)}");
        }

        return new(of, agreed, others);
    }

    /// <summary>Counts the objects that were found, and those of them that PyRefTracer saw.</summary>
    public static Agreement Precision(HeapGraph graph, ObjectLog log)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            if (graph.Blocks[i].Site == 0 || graph.KindOf(i) != BlockKind.Object)
                continue;

            of++;
            if (log.Objects!.Contains(graph.Target.AddressOf(i)))
                agreed++;
            else
                Count(others, graph.TypeOfObject(i).Name);
        }

        return new(of, agreed, others);
    }

    /// <summary>Counts the mortal objects, and those of them to which no more references were found than their count says.</summary>
    public static Agreement NotTooMany(HeapGraph graph)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        foreach (var (block, unexplained) in Mortal(graph))
        {
            of++;
            if (unexplained >= 0)
                agreed++;
            else
                Count(others, graph.Values.NameOf(graph.TypeOfObject(block)).ToString());
        }

        return new(of, agreed, others);
    }

    /// <summary>Counts the mortal objects, and those of them to which as many references were found as their count says.</summary>
    public static Agreement Balanced(HeapGraph graph)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        foreach (var (block, unexplained) in Mortal(graph))
        {
            of++;
            if (unexplained == 0)
                agreed++;
            else
                Count(others, graph.Values.NameOf(graph.TypeOfObject(block)).ToString());
        }

        return new(of, agreed, others);
    }

    /// <summary>
    /// Counts the mortal objects with fewer references than their count, and those of them whose holder has a name: a module, a frame, a
    /// thread, a symbol.
    /// </summary>
    public static Agreement Located(HeapGraph graph, Roots roots)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            if (graph.KindOf(i) != BlockKind.Object || graph.References.Unexplained[i] is <= 0 or int.MaxValue)
                continue;

            of++;
            if (roots[i] < RootKind.Native)
                agreed++;
            else
                Count(others, graph.TypeOfObject(i).Name);
        }

        return new(of, agreed, others);
    }

    /// <summary>
    /// Counts the buffers of lists, dicts, sets, bytearrays, arrays and deques, and those of them that belong to an object that points to
    /// them.
    /// </summary>
    public static Agreement Buffers(HeapGraph graph)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            if (graph.KindOf(i) != BlockKind.Object || PointerTo(graph, i) is not { } offset)
                continue;

            var buffer = graph.Index.Find(graph.Memory.Word(graph.Target.AddressOf(i), offset));
            if (buffer < 0 || graph.Types.IsObject(buffer))
                continue;

            of++;
            var owner = graph.Types.OwnerOf(buffer);
            if (owner >= 0 && graph.References.References(owner).Contains(buffer))
                agreed++;
            else
                Count(others, graph.TypeOfObject(i).Name);
        }

        return new(of, agreed, others);
    }

    /// <summary>Counts the containers that the collector called unreachable, and those of them that were found.</summary>
    public static Agreement GarbageRecall(HeapGraph graph, HeapAnalysis analysis, string path)
    {
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        foreach (var address in File.ReadLines(path).Select(ulong.Parse))
        {
            var block = graph.Target.FindObject(address);
            if (block < 0)
                continue;

            of++;
            if (analysis.IsGarbage(block))
                agreed++;
            else
                Count(others, graph.TypeOfObject(block).Name);
        }

        return new(of, agreed, others);
    }

    /// <summary>
    /// Counts the containers that were called unreachable, and those of them that the collector called so. It does not know untracked ones.
    /// </summary>
    public static Agreement GarbagePrecision(HeapGraph graph, HeapAnalysis analysis, string path)
    {
        var truth = File.ReadLines(path).Select(ulong.Parse).ToHashSet();
        var (of, agreed, others) = (0L, 0L, new Dictionary<string, int>());
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            var isTracked = graph.KindOf(i) == BlockKind.Object && graph.TypeOfObject(i).Is(ObjectType.Collected)
                && graph.Memory.Word(graph.Target.AddressOf(i), -graph.Build.Layout.GcBytes) != 0;
            if (!isTracked || !analysis.IsGarbage(i))
                continue;

            of++;
            if (truth.Contains(graph.Target.AddressOf(i)))
                agreed++;
            else
                Count(others, graph.TypeOfObject(i).Name);
        }

        return new(of, agreed, others);
    }

    private static IEnumerable<(int Block, int Unexplained)> Mortal(HeapGraph graph)
    {
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            if (graph.KindOf(i) == BlockKind.Object && graph.References.Unexplained[i] != int.MaxValue)
                yield return (i, graph.References.Unexplained[i]);
        }
    }

    private static int? PointerTo(HeapGraph graph, int block) => graph.TypeOfObject(block) switch
    {
        { Kind: ObjectKind.List } => graph.Build.Layout.ListItems,
        { Kind: ObjectKind.Dict } => graph.Build.Layout.DictKeys,
        { Kind: ObjectKind.Set } => graph.Build.Layout.SetTable,
        { Kind: ObjectKind.Deque } or { Name: "array.array" } => graph.Build.Layout.SizeWord + 8,
        { Name: "bytearray" } => graph.Build.Layout["bytearray.data"],
        _ => null,
    };

    private static bool IsObjectAt(HeapGraph graph, int block, ulong address) => graph.KindOf(block) == BlockKind.Object && graph.Target.AddressOf(block) == address;

    private static string Describe(HeapGraph graph, int block) => $"as {graph.KindOf(block)} {(graph.Types.IsObject(block) ? graph.TypeOfObject(block).Name : "")}";

    private static void Count(Dictionary<string, int> counts, string name) => counts[name] = counts.GetValueOrDefault(name) + 1;
}
