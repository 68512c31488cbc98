using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// Steps through the rows of a statement with nothing between us and SQLite, because there can be millions of them.
/// </summary>
internal sealed class StatementReader : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly nint _handle;

    /// <exception cref="SqliteException">SQLite does not accept the statement.</exception>
    public StatementReader(ReadConnection connection, string sql, params ReadOnlySpan<long> parameters)
    {
        _database = connection.Database;
        Check(sqlite3_prepare_v2(_database, sql, out _statement));
        _handle = _statement.DangerousGetHandle(); // lives as long as this object
        for (var i = 0; i < parameters.Length; i++)
            Check(sqlite3_bind_int64(_statement, i + 1, parameters[i]));
    }

    /// <exception cref="SqliteException">The row cannot be read.</exception>
    public bool Read()
    {
        var code = NativeSqlite.Step(_handle);
        if (code == SQLITE_ROW)
            return true;

        Check(code); // does nothing for SQLITE_DONE
        return false;
    }

    public bool IsNull(int column) => NativeSqlite.ColumnType(_handle, column) == SQLITE_NULL;

    public long Int64(int column) => NativeSqlite.ColumnInt64(_handle, column);

    /// <summary>A number that was written as one; for tables that are small enough to look.</summary>
    /// <exception cref="InvalidCastException">It is something else.</exception>
    public long CheckedInt64(int column) => NativeSqlite.ColumnType(_handle, column) == SQLITE_INTEGER
        ? Int64(column)
        : throw new InvalidCastException($"{sqlite3_column_name(_statement, column).utf8_to_string()} is not a number");

    public long? NullableInt64(int column) => IsNull(column) ? null : CheckedInt64(column);

    public string Text(int column) => sqlite3_column_text(_statement, column).utf8_to_string() ?? "";

    public byte[] Blob(int column) => sqlite3_column_blob(_statement, column).ToArray();

    public void Dispose() => _statement.Dispose();

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, _database);
}
