using System.Runtime.InteropServices;

namespace AllocTrace.Objects;

/// <summary>
/// Finds references in the static data of the program and its libraries, and names them by ELF symbol or by the static type that contains
/// them.
/// </summary>
internal sealed class StaticData(HeapGraph graph, Roots roots)
{
    private const int PieceBytes = 1 << 16;

    /// <summary>The most bytes of a region that are searched: larger ones are tables of data.</summary>
    private const ulong MostBytes = 256 << 20;

    private readonly Dictionary<string, StaticSymbols?> _symbols = [];
    private ObjectType[] _staticTypes = [];

    public void Scan()
    {
        _staticTypes = [.. graph.TypeReader.All.Where(type => !type.IsHeap).OrderBy(type => type.Address)];
        var (file, end) = ("", 0UL);
        foreach (var region in graph.Image.Regions)
        {
            // The zero-initialized data of a library (.bss) follows the mappings of its file.
            file = region.IsFile ? region.Path : region.Path.Length == 0 && region.Start == end ? file : "";
            end = region.End;
            if (file.Length > 0 && region is { IsWritable: true, IsShared: false })
                Scan(region, file);
        }
    }

    private void Scan(MemoryRegion region, string file)
    {
        var piece = new byte[PieceBytes];
        for (var at = region.Start; at < region.End && at - region.Start < MostBytes; at += PieceBytes)
        {
            var bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, region.End - at));
            if (!graph.Image.TryRead(at, bytes))
                continue;

            var words = MemoryMarshal.Cast<byte, ulong>(bytes);
            for (var i = 0; i < words.Length; i++)
            {
                if (words[i] != 0 && graph.Target.Find(words[i]) is var block and >= 0 && IsHeldFromOutside(block))
                    roots.Add(block, RootKind.Static, NameOf(at + (ulong)(i * 8), file));
            }
        }
    }

    private bool IsHeldFromOutside(int block) => graph.Types.IsObject(block) ? graph.References.Unexplained[block] > 0 : graph.Types.OwnerOf(block) < 0;

    private string NameOf(ulong address, string file)
    {
        if (TypeAt(address) is { } type)
            return $"{graph.Values.NameOf(type)}.{FieldOf((int)(address - type.Address))}";

        if (!_symbols.TryGetValue(file, out var symbols))
            _symbols[file] = symbols = StaticSymbols.TryRead(graph.Image, file);

        if (symbols?.Find(address) is not { } symbol)
            return $"static {Path.GetFileName(file)}";

        // A type without instances.
        if (graph.TypeReader.Find(symbol.Address) is { } described)
            return $"{graph.Values.NameOf(described)}.{FieldOf((int)(address - symbol.Address))}";

        return address == symbol.Address ? $"static {symbol.Name}" : $"static {symbol.Name}+{address - symbol.Address}";
    }

    private ObjectType? TypeAt(ulong address)
    {
        var (low, high) = (0, _staticTypes.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_staticTypes[middle].Address <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low > 0 && address - _staticTypes[low - 1].Address < (ulong)graph.Build.Layout.TypeBytes ? _staticTypes[low - 1] : null;
    }

    private string FieldOf(int offset)
    {
        var layout = graph.Build.Layout;
        return offset == layout.TypeDict ? "__dict__" : offset == layout["type.bases"] ? "__bases__" : offset == layout["type.mro"] ? "__mro__"
            : offset == layout["type.subclasses"] ? "__subclasses__" : "<field>";
    }
}
