using Microsoft.Data.Sqlite;

using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// One INSERT statement for many rows, below ADO.NET: binding and stepping directly is twice as fast as a prepared command, rows of integers
/// do not allocate, and nothing has to be compiled for it at the end of each recording, as a mapper does for each kind of row
/// (docs/performance.md). Used by one thread, while the connection is open.
/// </summary>
internal sealed class RawInsert : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <param name="connection">An open connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="columns">How many columns it has; all are given.</param>
    /// <exception cref="SqliteException">There is no such table.</exception>
    public RawInsert(SqliteConnection connection, string table, int columns)
    {
        _database = connection.Handle!;
        var sql = $"INSERT INTO {table} VALUES (?{string.Concat(Enumerable.Repeat(", ?", columns - 1))})";
        Check(sqlite3_prepare_v2(_database, sql, out _statement));
    }

    /// <summary>Inserts a row of integers.</summary>
    /// <exception cref="SqliteException">The row cannot be written.</exception>
    public void Add(params ReadOnlySpan<long> values)
    {
        for (var i = 0; i < values.Length; i++)
            Check(sqlite3_bind_int64(_statement, i + 1, values[i]));

        Step();
    }

    /// <summary>Inserts a row of integers and NULLs.</summary>
    /// <exception cref="SqliteException">The row cannot be written.</exception>
    public void AddNullable(params ReadOnlySpan<long?> values)
    {
        for (var i = 0; i < values.Length; i++)
            Check(values[i] is { } value ? sqlite3_bind_int64(_statement, i + 1, value) : sqlite3_bind_null(_statement, i + 1));

        Step();
    }

    /// <summary>Inserts a row of integers, texts, truth values and NULLs.</summary>
    /// <exception cref="SqliteException">The row cannot be written.</exception>
    public void AddMixed(params ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            Check(values[i] switch
            {
                null => sqlite3_bind_null(_statement, i + 1),
                string text => sqlite3_bind_text(_statement, i + 1, text),
                bool truth => sqlite3_bind_int64(_statement, i + 1, truth ? 1 : 0),
                int number => sqlite3_bind_int64(_statement, i + 1, number),
                uint number => sqlite3_bind_int64(_statement, i + 1, number),
                long number => sqlite3_bind_int64(_statement, i + 1, number),
                var other => throw new ArgumentException($"{other.GetType()} is no value of a row"),
            });
        }

        Step();
    }

    public void Dispose() => _statement.Dispose();

    private void Step()
    {
        var code = sqlite3_step(_statement);
        var reset = sqlite3_reset(_statement);
        if (code != SQLITE_DONE)
            Check(reset == SQLITE_OK ? code : reset);
    }

    private void Check(int code)
    {
        if (code != SQLITE_OK)
            throw new SqliteException(sqlite3_errmsg(_database).utf8_to_string(), code, sqlite3_extended_errcode(_database));
    }
}
