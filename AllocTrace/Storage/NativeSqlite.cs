using System.Runtime.InteropServices;

namespace AllocTrace.Storage;

/// <summary>
/// The functions of SQLite that are called for every row and cell, without the safe handles of SQLitePCL, which cost more than the calls.
/// </summary>
internal static partial class NativeSqlite
{
    private const string Library = "e_sqlite3"; // the one that SQLitePCL loads

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    [SuppressGCTransition]
    public static partial long ColumnInt64(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type")]
    [SuppressGCTransition]
    public static partial int ColumnType(nint statement, int column);
}
