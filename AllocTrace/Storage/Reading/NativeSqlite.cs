using System.Runtime.InteropServices;

using Microsoft.Data.Sqlite;

using SQLitePCL;

using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// The functions of SQLite that are called for every row and cell, without the safe handles of SQLitePCL, which cost more than the calls.
/// </summary>
internal static unsafe partial class NativeSqlite
{
    private const string Library = "e_sqlite3"; // the one that SQLitePCL loads

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset")]
    public static partial int Reset(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64")]
    [SuppressGCTransition]
    public static partial int BindInt64(nint statement, int parameter, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null")]
    [SuppressGCTransition]
    public static partial int BindNull(nint statement, int parameter);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    [SuppressGCTransition]
    public static partial long ColumnInt64(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type")]
    [SuppressGCTransition]
    public static partial int ColumnType(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_vfs_find")]
    public static partial HeldPathVfs.Vfs* FindVfs(nint name);

    [LibraryImport(Library, EntryPoint = "sqlite3_vfs_register")]
    public static partial int RegisterVfs(HeldPathVfs.Vfs* vfs, int isDefault);

    /// <summary>Throws SQLite's own message unless a call succeeded.</summary>
    /// <param name="database">The connection of the call; nothing else was called on it since.</param>
    /// <param name="code">The result of the call.</param>
    /// <exception cref="SqliteException">The code is not SQLITE_OK.</exception>
    public static void Check(sqlite3 database, int code)
    {
        if (code != SQLITE_OK)
            throw new SqliteException(sqlite3_errmsg(database).utf8_to_string(), code, sqlite3_extended_errcode(database));
    }
}
