using AllocTrace.Memory;

namespace AllocTrace.Replay;

/// <summary>Lists live blocks by address.</summary>
internal static class BlocksByAddress
{
    /// <summary>The blocks of several tables, and mappings, ascending. No table may change meanwhile.</summary>
    public static IEnumerable<BlockRange> Of(IReadOnlyList<AddressTable> tables, IReadOnlyList<MappedPiece> mappings)
    {
        var mapped = mappings.Select(piece => new BlockRange(piece.Begin, (ulong)piece.Bytes, piece.Mapping.Site));
        var sources = tables.Select(Of).Append(mapped).Select(blocks => blocks.GetEnumerator()).Where(source => source.MoveNext()).ToList();
        while (sources.Count > 0)
        {
            var least = sources[0];
            foreach (var source in sources)
            {
                if (source.Current.Address < least.Current.Address)
                    least = source;
            }

            yield return least.Current;
            if (!least.MoveNext())
                sources.Remove(least);
        }
    }

    private static IEnumerable<BlockRange> Of(AddressTable table)
    {
        var blocks = new List<BlockRange>();
        foreach (var key in table.Keys())
        {
            blocks.Clear();
            table.List(key, blocks);
            foreach (var block in blocks)
                yield return block;
        }
    }
}
