using AllocTrace.Storage;
using AllocTrace.Storage.Pages;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Storage;

/// <summary>Pages that we fill are read, and found whole, by SQLite.</summary>
[TestClass]
public sealed class BulkTableTests
{
    private const long PageBytes = 4096, LockedPage = (1 << 30) / PageBytes + 1;

    private readonly TemporaryFolder _folder = new();
    private readonly Random _random = new(1);

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Every_number_of_rows_up_to_three_levels_of_pages(bool isIndex)
    {
        // Wide rows: 35 to a leaf. A second interior page begins at 454 leaves of a table (7 bytes lead to each) and at 35 of an index (a row does).
        int[] few = [.. Enumerable.Range(0, 74)];
        int[] around = isIndex ? [.. Enumerable.Range(0, 30).Select(i => 1000 + 17 * i)] : [.. Enumerable.Range(0, 12).Select(i => 15_730 + 29 * i)];
        foreach (var rows in (int[])[.. few, .. around, isIndex ? 50_000 : 20_000])
            Check(isIndex, [.. Enumerable.Range(1, rows).Select(i => (i, Enumerable.Repeat((long?)long.MaxValue - i, 12).ToArray()))]);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Values_of_every_length(bool isIndex)
    {
        long?[] special = [null, 0, 1, -1, 127, 128, -128, -129, 32767, 32768, -32768, -32769, 8388607, 8388608, -8388608, -8388609, int.MaxValue, int.MinValue,
            1L << 31, -(1L << 31) - 1, (1L << 47) - 1, 1L << 47, -(1L << 47), -(1L << 47) - 1, long.MaxValue, long.MinValue];
        long key = 0;
        Check(isIndex, [.. Enumerable.Range(0, 50_000).Select(i =>
        {
            key += 1 + _random.NextInt64(1L << _random.Next(46)); // every length of a varint
            return (key, Enumerable.Range(0, 12).Select(_ => special[_random.Next(special.Length)]).ToArray());
        })]);
    }

    [TestMethod]
    public void Page_that_SQLite_locks_is_left_out()
    {
        // Pages that nothing leads to stand for a gigabyte: the file has a hole there.
        var path = Make(isIndex: false, [.. Enumerable.Range(1, 1000).Select(i => ((long)i, Enumerable.Repeat((long?)i << 40, 12).ToArray()))], (LockedPage - 3) * PageBytes);
        Assert.AreEqual((1000L, 1000L * 1001 / 2 << 40), Sums(path));
        using var file = File.OpenRead(path);
        file.Position = (LockedPage - 1) * PageBytes;
        var page = new byte[PageBytes];
        file.ReadExactly(page);
        Assert.IsTrue(page.All(value => value == 0));
    }

    [TestMethod]
    public void Rows_in_another_order_are_refused()
    {
        using var spool = new PageSpool(() => throw new InvalidOperationException());
        var table = new BulkTable("t", isIndex: true, spool);
        table.Add(1, 2, 0);
        Assert.ThrowsExactly<InvalidOperationException>(() => table.Add(1, 2, 0));
        Assert.ThrowsExactly<InvalidOperationException>(() => table.Add(0, 3, 0));
        table.Add(1, 3, 0);
    }

    private void Check(bool isIndex, (long Key, long?[] Values)[] rows)
    {
        using var connection = Open(Make(isIndex, rows));
        Assert.AreEqual("ok", Query(connection, "PRAGMA integrity_check").Single().Single(), $"{rows.Length} rows");
        var read = Query(connection, "SELECT * FROM t ORDER BY 1, 2").ToArray();
        Assert.HasCount(rows.Length, read);
        for (var i = 0; i < rows.Length; i++)
            CollectionAssert.AreEqual((object?[])[rows[i].Key, .. rows[i].Values.Cast<object?>()], read[i], $"row {i} of {rows.Length}");
    }

    /// <summary>Makes a database with a table of 13 columns. The key of one WITHOUT ROWID is a number of ours and 0.</summary>
    private string Make(bool isIndex, (long Key, long?[] Values)[] rows, long length = 0)
    {
        var path = _folder.File(Path.GetRandomFileName());
        long root;
        using (var connection = Open(path))
        {
            var columns = string.Join(", ", Enumerable.Range(0, 12).Select(i => $"c{i}"));
            Query(connection, "CREATE TABLE other (x); INSERT INTO other VALUES (1)").ToArray();
            Query(connection, isIndex ? $"CREATE TABLE t (k, {columns}, PRIMARY KEY (k, c0)) WITHOUT ROWID" : $"CREATE TABLE t (k INTEGER PRIMARY KEY, {columns})").ToArray();
            root = (long)Query(connection, "SELECT rootpage FROM sqlite_schema WHERE name = 't'").Single().Single()!;
        }

        using var spool = new PageSpool(() => new UnfinishedFile(path));
        var table = new BulkTable("t", isIndex, spool);
        foreach (var (key, values) in rows)
        {
            if (isIndex)
                values[0] ??= 0; // no part of a key
            table.Add([key, .. values]);
        }

        using (var file = File.OpenHandle(path, access: FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, Math.Max(length, RandomAccess.GetLength(file)));
            new BulkPages(file).Append(spool, [(table, (uint)root)]);
        }

        return path;
    }

    private static (long Rows, long Sum) Sums(string path)
    {
        using var connection = Open(path);
        var row = Query(connection, "SELECT count(*), sum(c1) FROM t").Single();
        return ((long)row[0]!, (long)row[1]!);
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static IEnumerable<object?[]> Query(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return [.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetValue(i))];
    }
}
