namespace AllocTrace.Storage;

/// <summary>
/// Reads the live counters of sites at a snapshot, in ascending order. Reading side by side with the sites is several times faster than a join, which looks each of
/// them up. Where the rows end is found here: SQLite would compare whole keys for each (docs/performance.md).
/// </summary>
internal sealed class AliveReader : IDisposable
{
    private readonly StatementReader _reader;
    private readonly long _last;

    /// <param name="connection">The database.</param>
    /// <param name="snapshot">The snapshot; <see langword="null"/> if nothing was live.</param>
    /// <param name="sites">The sites that are wanted.</param>
    public AliveReader(ReadConnection connection, TraceSnapshot? snapshot, RowRange sites)
    {
        var id = snapshot?.Id ?? -1;
        using (var last = new StatementReader(connection, "SELECT max(site) FROM snapshot_site WHERE snapshot = ?", id))
            _last = last.Read() && !last.IsNull(0) ? Math.Min(last.Int64(0), sites.Last) : -1;

        _reader = new StatementReader(
            connection, "SELECT site, bytes, blocks FROM snapshot_site WHERE (snapshot, site) >= (?, ?) ORDER BY snapshot, site", id, sites.First);
    }

    /// <summary>The site that was read last: -1 before the first, the largest number after the last.</summary>
    public long Site { get; private set; } = -1;

    /// <summary>Its live bytes and blocks.</summary>
    public MemoryAmount Amount => new(_reader.Int64(1), _reader.Int64(2));

    /// <summary>Advances to the next site, if there is one.</summary>
    public bool Read()
    {
        if (Site < _last && _reader.Read() && _reader.Int64(0) is var site && site <= _last)
        {
            Site = site;
            return true;
        }

        Site = long.MaxValue;
        return false;
    }

    /// <summary>Returns the live bytes and blocks of a site. Sites must be asked for in ascending order.</summary>
    public MemoryAmount Of(long site)
    {
        while (Site < site)
            Read();

        return Site == site ? Amount : default;
    }

    public void Dispose() => _reader.Dispose();
}
