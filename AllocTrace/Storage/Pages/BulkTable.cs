namespace AllocTrace.Storage.Pages;

/// <summary>
/// The rows of one large table of integers, as pages that SQLite reads. Rows come in the order of their keys, so each page is filled to its
/// end, once, and nothing is looked up: twenty times faster than INSERT (docs/performance.md).
/// </summary>
/// <param name="name">The table.</param>
/// <param name="isIndex">Whether it is WITHOUT ROWID: then the first two columns are the key, otherwise the first one.</param>
/// <param name="spool">Gets full pages; shared with other tables, not owned.</param>
internal sealed class BulkTable(string name, bool isIndex, PageSpool spool)
{
    private readonly TreePage _leaf = TreePage.Leaf(isIndex);
    private readonly List<int> _leaves = []; // their numbers in the spool
    private readonly List<byte[]> _dividers = []; // what stands between two leaves
    private (long First, long Second) _lastKey = (long.MinValue, 0);

    public string Name => name;

    public bool IsIndex => isIndex;

    /// <summary>The full leaves, by their numbers in the spool.</summary>
    public IReadOnlyList<int> Leaves => _leaves;

    /// <summary>
    /// What stands behind each full leaf in the page above: of a table the greatest row number in it, of an index a row of its own.
    /// </summary>
    public IReadOnlyList<byte[]> Dividers => _dividers;

    /// <summary>The last leaf, which is not full yet.</summary>
    public ReadOnlySpan<byte> Open() => _leaf.Complete();

    /// <summary>Adds a row.</summary>
    /// <param name="values">All columns. The key is greater than that of the row before.</param>
    /// <exception cref="InvalidOperationException">The rows are not in the order of their keys.</exception>
    /// <exception cref="IOException">There is no room for it.</exception>
    public void Add(params ReadOnlySpan<long?> values)
    {
        var key = (values[0]!.Value, isIndex ? values[1]!.Value : 0);
        if (key.CompareTo(_lastKey) <= 0)
            throw new InvalidOperationException($"row {key} of {name} came after {_lastKey}");

        Span<byte> cell = stackalloc byte[RowFormat.MostBytes];
        cell = cell[..(isIndex ? RowFormat.WriteCell(cell, null, values) : RowFormat.WriteCell(cell, key.Item1, values[1..]))];
        if (!_leaf.TryAdd(cell))
        {
            Seal();
            _leaf.TryAdd(cell);
        }

        _lastKey = key;
    }

    /// <summary>The last row of a full page of an index moves up between it and the next: such rows are in interior pages only.</summary>
    private void Seal()
    {
        if (isIndex)
        {
            _dividers.Add(_leaf.Last.ToArray());
            _leaf.RemoveLast();
        }
        else
        {
            Span<byte> key = stackalloc byte[RowFormat.MostBytes];
            _dividers.Add(key[..RowFormat.WriteVarint(key, _lastKey.First)].ToArray());
        }

        _leaves.Add(spool.Add(_leaf.Complete()));
        _leaf.Clear();
    }
}
