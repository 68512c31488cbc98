namespace AllocTrace.Storage;

/// <summary>
/// What sites had alive at a moment, for sites that are asked for in ascending order. Reading side by side with the sites is several times
/// faster than a join, which looks each of them up.
/// </summary>
internal sealed class AliveReader : IDisposable
{
    private readonly StatementReader _reader;
    private long _site = -1;

    /// <param name="connection">The database.</param>
    /// <param name="moment">The moment; with <see langword="null"/> nothing was alive.</param>
    /// <param name="sites">The sites that will be asked for.</param>
    public AliveReader(ReadConnection connection, TraceMoment? moment, RowRange sites) => _reader = new StatementReader(
        connection,
        "SELECT site, bytes, blocks FROM snapshot_site WHERE snapshot = ? AND site BETWEEN ? AND ? ORDER BY site",
        moment?.Id ?? -1,
        sites.First,
        sites.Last);

    public Amount Of(long site)
    {
        while (_site < site)
            _site = _reader.Read() ? _reader.Int64(0) : long.MaxValue;

        return _site == site && site != long.MaxValue ? new Amount(_reader.Int64(1), _reader.Int64(2)) : default;
    }

    public void Dispose() => _reader.Dispose();
}
