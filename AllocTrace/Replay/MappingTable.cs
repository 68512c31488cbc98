using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>
/// The live mappings by address. Unlike a block of a heap, a mapping may lose its middle, or get another one over a part of it: the table is a list
/// of pieces that do not overlap. There are few: the system allows 65,530 by default. Used by one thread.
/// </summary>
internal sealed class MappingTable
{
    /// <summary>By address.</summary>
    private readonly List<MappedPiece> _pieces = [];

    /// <summary>The pieces, by address.</summary>
    public IReadOnlyList<MappedPiece> Pieces => _pieces;

    /// <summary>Adds a piece where there is none.</summary>
    public void Add(MappedPiece piece)
    {
        piece.Mapping.Pieces++;
        _pieces.Insert(FirstEndingAfter(piece.Begin), piece);
    }

    /// <summary>Removes the pieces in a range, and cuts those that are partly in it.</summary>
    /// <param name="begin">The first address.</param>
    /// <param name="end">The address after the last.</param>
    /// <param name="taken">Gets what was taken out.</param>
    public void Cut(ulong begin, ulong end, List<MappedPiece> taken)
    {
        var at = FirstEndingAfter(begin);
        while (at < _pieces.Count && _pieces[at].Begin < end)
        {
            var piece = _pieces[at];
            _pieces.RemoveAt(at);
            piece.Mapping.Pieces--;
            if (piece.Begin < begin)
                Add(piece with { End = begin });
            if (piece.End > end)
                Add(piece with { Begin = end });

            taken.Add(piece with { Begin = Math.Max(piece.Begin, begin), End = Math.Min(piece.End, end) });
            at = FirstEndingAfter(begin);
        }
    }

    public MappingTable Clone()
    {
        var clone = new MappingTable();
        var copies = new Dictionary<Mapping, Mapping>();
        foreach (var piece in _pieces)
        {
            if (!copies.TryGetValue(piece.Mapping, out var copy))
                copies.Add(piece.Mapping, copy = new Mapping(piece.Mapping.Site));

            clone.Add(piece with { Mapping = copy });
        }

        return clone;
    }

    public void Save(BinaryWriter writer)
    {
        Mapping[] mappings = [.. _pieces.Select(piece => piece.Mapping).Distinct()];
        var numbers = mappings.Select((mapping, i) => (mapping, i)).ToDictionary(pair => pair.mapping, pair => (ulong)pair.i);
        writer.WriteAll<uint>([.. mappings.Select(mapping => mapping.Site)]);
        writer.WriteAll<(ulong, ulong, ulong)>([.. _pieces.Select(piece => (piece.Begin, piece.End, numbers[piece.Mapping]))]);
    }

    /// <summary>Adds mappings that were saved.</summary>
    /// <returns>True if they could be.</returns>
    public bool TryLoad(BinaryReader reader, uint siteEnd)
    {
        Mapping[] mappings = [.. reader.ReadAll<uint>().Select(site => new Mapping(site))];
        var last = 0UL;
        foreach (var (begin, end, number) in reader.ReadAll<(ulong, ulong, ulong)>())
        {
            if (begin < last || end <= begin || number >= (ulong)mappings.Length)
                return false;

            Add(new MappedPiece(begin, last = end, mappings[number]));
        }

        return Array.TrueForAll(mappings, mapping => mapping.Site > 0 && mapping.Site < siteEnd);
    }

    private int FirstEndingAfter(ulong address)
    {
        var (low, high) = (0, _pieces.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_pieces[middle].End > address)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }
}
