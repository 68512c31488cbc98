using SQLitePCL;
using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// Opens databases as input from elsewhere. Their schema is text that SQLite would carry out: views and virtual tables in the place of tables, triggers,
/// computed columns, functions in indexes. And their pages may refer to each other so that a small file has rows without end.
/// </summary>
internal static class ForeignFile
{
    // SQLITE_DBCONFIG_…, SQLITE_LIMIT_LENGTH
    private const int EnableTrigger = 1003, Defensive = 1010, EnableView = 1015, TrustedSchema = 1017;
    private const int LimitLength = 0;

    /// <summary>The longest text, blob or row, bytes: several times what a block of events takes.</summary>
    private const int LongestValue = 16 << 20;

    /// <summary>The number of steps of SQLite's machine between two checks of the limit.</summary>
    private const int StepsAtOnce = 100_000;

    /// <summary>Steps for each byte of the file, and besides: reports take a tenth of it.</summary>
    private const long StepsForEachByte = 32, StepsBesides = 20_000_000;

    /// <summary>Lets statements read tables only, and nothing that a recording does not have.</summary>
    public static void Restrict(sqlite3 database)
    {
        foreach (var (option, value) in new[] { (Defensive, 1), (TrustedSchema, 0), (EnableTrigger, 0), (EnableView, 0) })
            _ = sqlite3_db_config(database, option, value, out _);

        _ = sqlite3_limit(database, LimitLength, LongestValue);
    }

    /// <summary>Interrupts a connection when it has done more than a file of this size can take.</summary>
    public static void Bound(sqlite3 database, long fileBytes)
    {
        var left = (StepsForEachByte * fileBytes) + StepsBesides;
        sqlite3_progress_handler(database, StepsAtOnce, _ => (left -= StepsAtOnce) < 0 ? 1 : 0, null);
    }

    /// <summary>Checks that what a report reads as tables are tables of the file.</summary>
    /// <exception cref="InvalidCastException">One is something else.</exception>
    public static void CheckTables(ReadConnection connection)
    {
        // Views and virtual tables have no page of their own.
        using var other = new StatementReader(connection, "SELECT name, type, sql FROM sqlite_schema WHERE type = 'trigger' OR (type = 'table' AND ifnull(rootpage, 0) < 1) OR (type = 'view' AND name NOT IN ('site_expression', 'site_frame', 'peak', 'live', 'total', 'temporary'))");
        if (other.Read())
            throw new InvalidCastException($"it has a {other.Text(1)} '{other.Text(0)}', which recordings do not have");
    }
}
