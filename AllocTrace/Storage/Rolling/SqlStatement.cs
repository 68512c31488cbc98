using Microsoft.Data.Sqlite;

using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>A prepared statement that returns nothing. Used by one thread, while the connection is open.</summary>
internal sealed class SqlStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <param name="database">An open connection; not owned.</param>
    /// <param name="sql">The statement.</param>
    /// <exception cref="SqliteException">It cannot be compiled.</exception>
    public SqlStatement(sqlite3 database, string sql)
    {
        _database = database;
        NativeSqlite.Check(database, sqlite3_prepare_v2(database, sql, out _statement));
    }

    /// <summary>Executes it with integers and NULLs.</summary>
    /// <exception cref="SqliteException">It failed.</exception>
    public void Execute(params ReadOnlySpan<long?> values)
    {
        var handle = _statement.DangerousGetHandle(); // kept by this object
        for (var i = 0; i < values.Length; i++)
            NativeSqlite.Check(_database, values[i] is { } value ? NativeSqlite.BindInt64(handle, i + 1, value) : NativeSqlite.BindNull(handle, i + 1));

        NativeSqlite.Step(handle);
        NativeSqlite.Check(_database, NativeSqlite.Reset(handle)); // tells how the step went
    }

    /// <summary>Executes it with integers, texts, bytes and NULLs.</summary>
    /// <exception cref="SqliteException">It failed.</exception>
    public void ExecuteAny(params ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            NativeSqlite.Check(_database, values[i] switch
            {
                null => sqlite3_bind_null(_statement, i + 1),
                string text => sqlite3_bind_text(_statement, i + 1, text),
                byte[] bytes => sqlite3_bind_blob(_statement, i + 1, bytes),
                int number => sqlite3_bind_int64(_statement, i + 1, number),
                uint number => sqlite3_bind_int64(_statement, i + 1, number),
                long number => sqlite3_bind_int64(_statement, i + 1, number),
                var other => throw new ArgumentException($"{other.GetType()} is no value of a row"),
            });
        }

        sqlite3_step(_statement);
        NativeSqlite.Check(_database, sqlite3_reset(_statement));
    }

    public void Dispose() => _statement.Dispose();
}
