using System.Diagnostics;

using AllocTrace.Analysis;
using AllocTrace.Storage;
using AllocTrace.Testing;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Storage;

/// <summary>Reads foreign databases: code that SQLite would execute is refused, and endless work ends.</summary>
[TestClass]
public sealed class ForeignFileTests
{
    [TestMethod]
    [DataRow("DROP TABLE stack; CREATE VIEW stack AS WITH RECURSIVE n(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM n) SELECT id, NULL AS caller, NULL AS code, 0 AS line FROM n", "it has a view 'stack', which recordings do not have")]
    [DataRow("DROP TABLE code; CREATE VIEW code AS SELECT 1 AS id, hex(zeroblob(500000000)) AS filename, 'f' AS name, 'f' AS qualname, 1 AS first_line", "it has a view 'code', which recordings do not have")]
    [DataRow("CREATE VIRTUAL TABLE notes USING fts5(text)", "it has a table 'notes', which recordings do not have")]
    [DataRow("CREATE TRIGGER surprise AFTER INSERT ON code BEGIN DELETE FROM stack; END", "it has a trigger 'surprise', which recordings do not have")]
    [DataRow("ALTER TABLE process ADD COLUMN surprise TEXT AS (hex(zeroblob(500000000))); ALTER TABLE process RENAME COLUMN command TO old; ALTER TABLE process RENAME COLUMN surprise TO command", "string or blob too big")]
    public void What_is_no_table_of_a_recording_is_refused_at_once(string sql, string says)
    {
        using var trace = new TraceBuilder();
        trace.Site(trace.Thread(trace.Process()), "obj", trace.Stack(new Frame("a.py", 1, "f")), new MemoryAmount(10, 1), live: new MemoryAmount(10, 1));
        var path = trace.Save();
        Execute(path, sql);
        var time = Stopwatch.StartNew();
        var before = GC.GetTotalAllocatedBytes();
        var e = Assert.ThrowsExactly<InvalidTraceException>(() =>
        {
            using var database = TraceDatabase.Open(path);
            Snapshot.Load(database).Statistics(GroupBy.Traceback);
        });
        StringAssert.Contains(e.Message, says);
        Assert.IsLessThan(TimeSpan.FromSeconds(10), time.Elapsed);
        Assert.IsLessThan(100 << 20, GC.GetTotalAllocatedBytes() - before);
        Assert.ThrowsExactly<InvalidTraceException>(() => TraceMerge.Write(trace.Path + ".merged", overwrite: false, [path]));
    }

    [TestMethod]
    public void Statement_that_does_more_than_the_file_holds_ends()
    {
        using var trace = new TraceBuilder();
        using var connection = new ReadConnection(trace.Save());
        using var endless = new StatementReader(connection, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
        Assert.AreEqual(SQLitePCL.raw.SQLITE_INTERRUPT, Assert.ThrowsExactly<SqliteException>(() => endless.Read()).SqliteErrorCode);
    }

    private static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; {sql}";
        command.ExecuteNonQuery();
    }
}
