using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// Numbers stacks that are equal in many recordings. Those of a thousand recordings do not fit into memory, so they are in a table of a
/// temporary file. Used by one thread, while the connection is open.
/// </summary>
internal sealed class KnownStacks : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _find, _add;

    /// <param name="connection">An open connection; not owned.</param>
    /// <param name="scratch">The file, which must not exist.</param>
    public KnownStacks(Microsoft.Data.Sqlite.SqliteConnection connection, string scratch)
    {
        _database = connection.Handle!;
        connection.Run("ATTACH @path AS scratch", ("@path", Path.GetFullPath(scratch)));
        connection.Run(
            """
            PRAGMA scratch.journal_mode = OFF; PRAGMA scratch.synchronous = OFF; PRAGMA scratch.cache_size = -65536;
            CREATE TABLE scratch.known_stack (caller INTEGER, code INTEGER, line INTEGER, number INTEGER, PRIMARY KEY (code, line, caller)) WITHOUT ROWID
            """);
        _find = Prepare("SELECT number FROM scratch.known_stack WHERE code = ?2 AND line = ?3 AND caller = ?1");
        _add = Prepare("INSERT INTO scratch.known_stack VALUES (?1, ?2, ?3, ?4)");
    }

    /// <summary>The number of stacks.</summary>
    public long Count { get; private set; }

    /// <summary>Returns the number of a stack.</summary>
    /// <param name="caller">The number of its caller; -1 for the stack without a frame.</param>
    /// <param name="code">The code of its innermost frame; -1 for none.</param>
    /// <param name="line">The line of that frame.</param>
    /// <param name="isNew">True if the stack was not known.</param>
    public long NumberOf(long caller, long code, long line, out bool isNew)
    {
        var handle = _find.DangerousGetHandle(); // kept by this object
        Bind(handle, caller, code, line);
        isNew = NativeSqlite.Step(handle) != SQLITE_ROW;
        var number = isNew ? Count : sqlite3_column_int64(_find, 0);
        NativeSqlite.Check(_database, NativeSqlite.Reset(handle));
        if (!isNew)
            return number;

        var add = _add.DangerousGetHandle();
        Bind(add, caller, code, line);
        NativeSqlite.Check(_database, NativeSqlite.BindInt64(add, 4, number));
        NativeSqlite.Step(add);
        NativeSqlite.Check(_database, NativeSqlite.Reset(add)); // tells how the step went
        Count++;
        return number;
    }

    public void Dispose()
    {
        _find.Dispose();
        _add.Dispose();
    }

    private void Bind(IntPtr statement, long caller, long code, long line)
    {
        NativeSqlite.Check(_database, NativeSqlite.BindInt64(statement, 1, caller));
        NativeSqlite.Check(_database, NativeSqlite.BindInt64(statement, 2, code));
        NativeSqlite.Check(_database, NativeSqlite.BindInt64(statement, 3, line));
    }

    private sqlite3_stmt Prepare(string sql)
    {
        NativeSqlite.Check(_database, sqlite3_prepare_v2(_database, sql, out var statement));
        return statement;
    }
}
