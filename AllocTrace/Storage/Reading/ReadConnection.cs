using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// A database opened for reading by one thread at a time, so that SQLite needs no locks. Below ADO.NET because a short report then has less
/// to load before it starts (docs/performance.md).
/// </summary>
internal sealed class ReadConnection : IDisposable
{
    static ReadConnection() => Batteries_V2.Init();

    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public ReadConnection(string path)
    {
        // The whole path, as SQLite has other plans for names like ":memory:".
        var code = sqlite3_open_v2(Path.GetFullPath(path), out var database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, null);
        Database = database;
        try
        {
            SqliteException.ThrowExceptionForRC(code, database);
            ForeignFile.Restrict(database);
            using var file = LibC.OpenPresent(path, FileAccess.Read, follow: true);
            ForeignFile.Bound(database, RandomAccess.GetLength(file));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>For <see cref="StatementReader"/>.</summary>
    public sqlite3 Database { get; }

    public void Dispose() => Database.Dispose();
}
