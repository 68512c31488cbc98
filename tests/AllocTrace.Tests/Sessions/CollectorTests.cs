using AllocTrace.Platform;
using AllocTrace.Sessions;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;

using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Sessions;

/// <summary>Collects sessions of processes that have ended, from files made beforehand.</summary>
[TestClass]
public sealed class CollectorTests
{
    private const int Obj = 2;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.File("out.db");

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    /// <summary>
    /// Requires that sessions are removed before the end if there are too many, once their records are in a whole database.
    /// </summary>
    [TestMethod]
    public void Sessions_that_wait_for_the_database_are_bounded()
    {
        for (var i = 0; i < 5; i++)
            Build($"{i}");

        using var collector = Collect(new Collector(Sessions, 1, _ => TraceWriter.Create(Database, overwrite: false)) { MostRetainedBytes = 1 });
        var end = Environment.TickCount64 + 60_000;
        while (Sessions().Any() && Environment.TickCount64 < end)
            Thread.Sleep(5);

        Assert.IsEmpty(Sessions());
        Assert.AreEqual(5, Query<long>("SELECT count(*) FROM process"), "a whole database, before the end");
        Build("later");
        Assert.IsTrue(collector.Complete());
        Assert.AreEqual((6, 6 * 5000), Query<(int, int)>("SELECT count(*), sum(bytes) FROM process JOIN snapshot ON process.id = snapshot.process WHERE kind = 'live'"));
    }

    [TestMethod]
    public void Sessions_stay_when_the_database_cannot_be_written()
    {
        Build("one");
        using var collector = Collect(new Collector(Sessions, 1, _ => throw new IOException("no room")) { MostRetainedBytes = 1 });
        Assert.AreEqual("no room", Assert.ThrowsExactly<IOException>(() => collector.Complete()).Message);
        Assert.HasCount(1, Sessions());
    }

    /// <summary>Requires that failures in the collector's threads, which may be a host's, do not end the process.</summary>
    [TestMethod]
    public void Whatever_goes_wrong_is_an_answer()
    {
        using var collector = Collect(new Collector(() => throw new InvalidOperationException("a mistake"), 1, _ => TraceWriter.Create(Database, overwrite: false)));
        while (!collector.HasFailed)
            Thread.Sleep(1);

        Assert.AreEqual("internal error: InvalidOperationException: a mistake", Assert.ThrowsExactly<IOException>(() => collector.Complete()).Message);
    }

    private static Collector Collect(Collector collector)
    {
        collector.Start();
        return collector;
    }

    private string[] Sessions() => FolderFiles.Of(_folder.Path, "", SessionFolder.SessionSuffix);

    private void Build(string name)
    {
        var (made, seen) = (_folder.File($"{name}.made"), _folder.File($"{name}.alloctrace"));
        using (var builder = new SessionBuilder(made, capacity: 4 << 20))
        {
            var thread = builder.AddThread();
            thread.Malloc(Obj, 64, 5000, 0);
        }

        File.Move(made, seen);
    }

    private T Query<T>(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        return connection.QuerySingle<T>(sql);
    }
}
