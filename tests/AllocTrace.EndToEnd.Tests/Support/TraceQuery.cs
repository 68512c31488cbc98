using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.EndToEnd.Tests;

/// <summary>Queries finished recordings.</summary>
internal static class TraceQuery
{
    public static T[] Rows<T>(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Mode=ReadOnly;Pooling=False");
        return [.. connection.Query<T>(sql)];
    }

    public static T Single<T>(string database, string sql) => Rows<T>(database, sql).Single();

    /// <summary>
    /// Requires that the ledger adds up: nothing is missing, every free was of a known block, and no block ended without a call. In a
    /// reallocation the old block ends, and only the first one of a chain has none.
    /// </summary>
    public static void AssertLedger(string database, long unknownFrees = 0)
    {
        Assert.AreEqual(unknownFrees, Single<long>(database, "SELECT sum(unknown_frees) FROM process"), "unknown frees");
        Assert.AreEqual(0, Single<long>(database, "SELECT count(*) FROM loss"), "losses");
        var (freeCalls, reallocCalls) = (Calls(database, "free"), Calls(database, "realloc"));
        var freed = Single<long>(database, "SELECT sum(freed_blocks) FROM site");
        Assert.IsTrue(freed + unknownFrees >= freeCalls && freed <= freeCalls + reallocCalls, $"{freed} blocks ended by {freeCalls} frees and {reallocCalls} reallocations");
        AssertAdds(database);
    }

    /// <summary>
    /// Requires that the file is whole, and that every reference leads to a row: SQLite did not check while it was written.
    /// </summary>
    public static void AssertSound(string database)
    {
        Assert.AreEqual("ok", Single<string>(database, "PRAGMA integrity_check"));
        Assert.AreEqual(0, Single<long>(database, "SELECT count(*) FROM pragma_foreign_key_check"));
    }

    /// <summary>Requires that the allocations are equal by kind of call and by site.</summary>
    public static void AssertAdds(string database) => Assert.AreEqual(
        Single<long>(database, "SELECT sum(bytes) FROM operation WHERE kind <> 'free'"), Single<long>(database, "SELECT sum(allocated_bytes) FROM site"));

    private static long Calls(string database, string kind) => Single<long>(database, $"SELECT coalesce(sum(calls), 0) FROM operation WHERE kind = '{kind}'");
}
