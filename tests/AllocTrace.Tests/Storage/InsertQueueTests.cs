using AllocTrace.Storage;
using AllocTrace.Testing;

using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Storage;

[TestClass]
public sealed class InsertQueueTests
{
    private const int Rows = 12_345;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.File("rows.db");

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Rows_of_several_tables_are_all_there_in_their_order()
    {
        using (var connection = Open())
        {
            using var numbers = new BatchInsert(connection, "number", columns: 2);
            using var squares = new BatchInsert(connection, "square", columns: 2);
            using var words = new RawInsert(connection, "word", columns: 2);
            for (var number = 0; number < Rows; number++)
            {
                numbers.Add(number, number % 3 == 0 ? null : -number);
                squares.Add(number, (long)number * number);
                if (number % 100 == 0)
                    words.Add(number, $"{number}");
            }

            numbers.Flush();
            squares.Flush();
            connection.Execute("COMMIT");
        }

        using var database = new SqliteConnection($"Data Source={Database};Pooling=False");
        CollectionAssert.AreEqual(
            Enumerable.Range(0, Rows).Select(number => ((long)number, number % 3 == 0 ? (long?)null : -number)).ToArray(),
            database.Query<(long, long?)>("SELECT id, value FROM number ORDER BY rowid").ToArray());
        CollectionAssert.AreEqual(
            Enumerable.Range(0, Rows).Select(number => (long)number * number).ToArray(), database.Query<long>("SELECT value FROM square ORDER BY id").ToArray());
        CollectionAssert.AreEqual(
            Enumerable.Range(0, Rows).Where(number => number % 100 == 0).Select(number => $"{number}").ToArray(), database.Query<string>("SELECT value FROM word ORDER BY rowid").ToArray());
    }

    [TestMethod]
    public void Error_is_told_and_nothing_is_inserted_after_it()
    {
        using var connection = Open();
        using var numbers = new BatchInsert(connection, "number", columns: 2);
        var error = Assert.ThrowsExactly<SqliteException>(() =>
        {
            for (var number = 0; number < 100 * Rows; number++)
                numbers.Add(number == Rows ? 0 : number, null);

            connection.Queue.Wait();
        });
        StringAssert.Contains(error.Message, "UNIQUE constraint failed: number.id");
        Assert.ThrowsExactly<SqliteException>(() => connection.Execute("COMMIT"));
    }

    private WriteConnection Open()
    {
        File.WriteAllBytes(Database, []);
        var connection = new WriteConnection(Database);
        connection.Execute("BEGIN; CREATE TABLE number (id INTEGER PRIMARY KEY, value INTEGER); CREATE TABLE square (id INTEGER PRIMARY KEY, value INTEGER); CREATE TABLE word (id INTEGER, value TEXT)");
        return connection;
    }
}
