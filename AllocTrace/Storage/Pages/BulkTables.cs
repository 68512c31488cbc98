using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Storage.Pages;

/// <summary>The tables of a recording that have a row for each stack or site. All others are written by SQLite.</summary>
internal sealed class BulkTables : IDisposable
{
    private readonly PageSpool _spool;
    private readonly BulkTable[] _tables;
    private readonly Dictionary<string, uint> _roots = [];

    /// <param name="createFile">Makes a file beside the database for what is too large for the memory.</param>
    public BulkTables(Func<UnfinishedFile> createFile)
    {
        _spool = new PageSpool(createFile);
        _tables =
        [
            Stack = new BulkTable("stack", isIndex: false, _spool),
            Site = new BulkTable("site", isIndex: false, _spool),
            SnapshotSite = new BulkTable("snapshot_site", isIndex: true, _spool),
            SliceSite = new BulkTable("slice_site", isIndex: true, _spool),
        ];
    }

    public BulkTable Stack { get; }

    public BulkTable Site { get; }

    public BulkTable SnapshotSite { get; }

    public BulkTable SliceSite { get; }

    /// <summary>How many bytes the rows take so far.</summary>
    public long Bytes => _spool.Bytes;

    /// <summary>Notes where the tables begin.</summary>
    /// <param name="connection">A database that has them, empty.</param>
    public void FindRoots(SqliteConnection connection)
    {
        foreach (var table in _tables)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = $name";
            command.Parameters.AddWithValue("$name", table.Name);
            _roots.Add(table.Name, (uint)(long)command.ExecuteScalar()!);
        }
    }

    /// <summary>Adds the rows to a database in which the tables are empty; more rows may follow, for another copy of it.</summary>
    /// <param name="database">The file, which SQLite has written.</param>
    /// <exception cref="IOException">There is no room for them.</exception>
    public void AppendTo(SafeFileHandle database) => new BulkPages(database).Append(_spool, _tables.Select(table => (table, _roots[table.Name])));

    public void Dispose() => _spool.Dispose();
}
