using Microsoft.Data.Sqlite;

using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// A new database, opened for writing by one thread at a time, so that SQLite needs no locks: they took an eighth of the time
/// (docs/performance.md).
/// </summary>
internal sealed class WriteConnection : IDisposable
{
    static WriteConnection() => Batteries_V2.Init();

    /// <summary>Opens an empty file. Nothing protects the database against a crash: its user deletes a file that was not finished.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hasThread">False if the caller inserts, and no thread does it for him.</param>
    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public WriteConnection(string path, bool hasThread = true)
    {
        Queue = new InsertQueue(hasThread);
        var code = sqlite3_open_v2(Path.GetFullPath(path), out var database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, HeldPathVfs.For(path));
        Handle = database;
        try
        {
            NativeSqlite.Check(database, code);
            Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -8000");

            // This build of SQLite has foreign keys on. It would look for each row that a new one refers to; the writer has written them all.
            Execute("PRAGMA foreign_keys = OFF");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>For <see cref="RawInsert"/> and <see cref="BatchInsert"/>: while the queue has insertions, it is the queue's.</summary>
    public sqlite3 Handle { get; }

    /// <summary>The queue whose thread inserts the rows.</summary>
    public InsertQueue Queue { get; }

    /// <summary>Executes statements without results.</summary>
    /// <exception cref="SqliteException">One of them failed; those before it are done.</exception>
    public void Execute(string sql)
    {
        Queue.Wait();
        NativeSqlite.Check(Handle, sqlite3_exec(Handle, sql));
    }

    public void Dispose()
    {
        Queue.Dispose();
        Handle.Dispose();
    }
}
