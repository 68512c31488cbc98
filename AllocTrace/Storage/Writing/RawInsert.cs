using Microsoft.Data.Sqlite;

using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// Inserts rows of any values, below ADO.NET: a mapper would compile code for each kind of row at the end of each recording
/// (docs/performance.md). Used by one thread, while the connection is open.
/// </summary>
internal sealed class RawInsert : IDisposable
{
    private readonly InsertQueue _queue;
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <param name="connection">Open; not owned.</param>
    /// <param name="table">The table.</param>
    /// <param name="columns">The number of columns, all of which are given.</param>
    /// <exception cref="SqliteException">There is no such table.</exception>
    public RawInsert(WriteConnection connection, string table, int columns)
    {
        _queue = connection.Queue;
        _database = connection.Handle;
        _queue.Wait();
        var sql = $"INSERT INTO {table} VALUES (?{string.Concat(Enumerable.Repeat(", ?", columns - 1))})";
        Check(sqlite3_prepare_v2(_database, sql, out _statement));
    }

    /// <summary>Inserts a row of integers, texts, truth values, bytes and NULLs. Bytes are not changed any more.</summary>
    /// <exception cref="SqliteException">The row cannot be written.</exception>
    public void Add(params ReadOnlySpan<object?> values)
    {
        if (!_queue.IsUsed)
        {
            Insert(values);
            return;
        }

        var kept = values.ToArray();
        _queue.Add(() => Insert(kept));
    }

    public void Dispose()
    {
        _queue.WaitQuietly();
        _statement.Dispose();
    }

    private void Insert(ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            Check(values[i] switch
            {
                null => sqlite3_bind_null(_statement, i + 1),
                string text => sqlite3_bind_text(_statement, i + 1, text),
                byte[] bytes => sqlite3_bind_blob(_statement, i + 1, bytes),
                bool truth => sqlite3_bind_int64(_statement, i + 1, truth ? 1 : 0),
                int number => sqlite3_bind_int64(_statement, i + 1, number),
                uint number => sqlite3_bind_int64(_statement, i + 1, number),
                long number => sqlite3_bind_int64(_statement, i + 1, number),
                var other => throw new ArgumentException($"{other.GetType()} is no value of a row"),
            });
        }

        Step();
    }

    private void Step()
    {
        sqlite3_step(_statement);
        Check(sqlite3_reset(_statement)); // tells how the step went
    }

    private void Check(int code) => NativeSqlite.Check(_database, code);
}
