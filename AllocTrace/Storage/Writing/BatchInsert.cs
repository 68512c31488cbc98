using Microsoft.Data.Sqlite;

using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// Inserts rows of integers and NULLs, fifty with each statement. SQLite begins a statement and finds its place in the table once for all
/// of them, and rows in the order of their keys follow there: half the time of a statement for each row (docs/performance.md). Used by one
/// thread, while the connection is open.
/// </summary>
internal sealed class BatchInsert : IDisposable
{
    private const int BatchRows = 50; // more gain nothing

    private readonly sqlite3 _database;
    private readonly string _table;
    private readonly int _columns;
    private readonly long?[] _values;
    private readonly sqlite3_stmt _batch;
    private int _count; // of values that wait for their statement

    /// <param name="database">An open connection; not owned.</param>
    /// <param name="table">The table.</param>
    /// <param name="columns">How many columns it has; all are given.</param>
    /// <exception cref="SqliteException">There is no such table.</exception>
    public BatchInsert(sqlite3 database, string table, int columns)
    {
        _database = database;
        _table = table;
        _columns = columns;
        _values = new long?[BatchRows * columns];
        _batch = Prepare(BatchRows);
    }

    /// <summary>Adds a row, which is in the database after <see cref="Flush"/> at the latest.</summary>
    /// <exception cref="SqliteException">The rows so far cannot be written.</exception>
    public void Add(params ReadOnlySpan<long?> values)
    {
        values.CopyTo(_values.AsSpan(_count, _columns));
        _count += _columns;
        if (_count == _values.Length)
            Insert(_batch);
    }

    /// <summary>Inserts the rows that wait.</summary>
    /// <exception cref="SqliteException">They cannot be written.</exception>
    public void Flush()
    {
        if (_count == 0)
            return;

        using var rest = Prepare(_count / _columns);
        Insert(rest);
    }

    public void Dispose() => _batch.Dispose();

    private sqlite3_stmt Prepare(int rows)
    {
        var row = $"(?{string.Concat(Enumerable.Repeat(", ?", _columns - 1))})";
        NativeSqlite.Check(_database, sqlite3_prepare_v2(_database, $"INSERT INTO {_table} VALUES {string.Join(", ", Enumerable.Repeat(row, rows))}", out var statement));
        return statement;
    }

    private void Insert(sqlite3_stmt statement)
    {
        var handle = statement.DangerousGetHandle(); // the caller keeps it
        for (var i = 0; i < _count; i++)
            NativeSqlite.Check(_database, _values[i] is { } value ? NativeSqlite.BindInt64(handle, i + 1, value) : NativeSqlite.BindNull(handle, i + 1));

        NativeSqlite.Step(handle);
        NativeSqlite.Check(_database, NativeSqlite.Reset(handle)); // tells how the step went
        _count = 0;
    }
}
