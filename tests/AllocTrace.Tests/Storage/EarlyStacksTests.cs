using AllocTrace.Platform;
using AllocTrace.Replay;
using AllocTrace.Sessions;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Storage;

/// <summary>Compares databases whose stacks were written while the session grew with those that were written at the end.</summary>
[TestClass]
public sealed class EarlyStacksTests
{
    private const int Obj = 2, Sites = 5000;

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    [DataRow(300, DisplayName = "a part")]
    [DataRow(Sites, DisplayName = "all")]
    public void Rows_are_the_same(int early)
    {
        string[] sessions = [Session("one", 0), Session("two", 1000)];
        var late = Write("late.db", sessions, 0);
        var begun = Write("early.db", sessions, early);
        Assert.AreEqual(16384, begun.QuerySingle<int>("PRAGMA page_size"));
        Assert.AreEqual("ok", begun.QuerySingle<string>("PRAGMA integrity_check"));
        Assert.AreEqual(0, begun.Query("PRAGMA foreign_key_check").Count());
        Assert.AreEqual(late.QuerySingle<int>("PRAGMA user_version"), begun.QuerySingle<int>("PRAGMA user_version"));
        foreach (var table in late.Query<string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'meta'"))
            CollectionAssert.AreEqual(Rows(late, table), Rows(begun, table), table);

        CollectionAssert.AreEqual(late.Query<string>("SELECT sql FROM sqlite_schema ORDER BY name").ToArray(), begun.Query<string>("SELECT sql FROM sqlite_schema ORDER BY name").ToArray());
        Assert.AreEqual(2L * Sites, begun.QuerySingle<long>("SELECT count(*) FROM site"));
    }

    /// <summary>Requires that the file has no name: nothing is left of it when a collector is killed.</summary>
    [TestMethod]
    public void Nothing_is_seen_of_them()
    {
        using var replayed = Replayed.From(Session("one", 0));
        var folder = Directory.CreateDirectory(_folder.File("temporary")).FullName;
        using var early = EarlyStacks.TryBegin(folder)!;
        Assert.IsTrue(Add(early, replayed, Sites));
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder));
    }

    [TestMethod]
    public void A_folder_without_room_is_done_without() => Assert.IsNull(EarlyStacks.TryBegin("/proc"));

    [TestMethod]
    public void Damage_is_told_at_the_end()
    {
        using (var builder = new SessionBuilder(_folder.File("damaged"), capacity: 4 << 20))
        {
            var thread = builder.AddThread();
            thread.Malloc(Obj, 4096, 1, builder.AddNode(0, builder.AddCode("a.py", "f"), 3_000_000_000));
            for (var i = 0; i < 400; i++)
                thread.Malloc(Obj, (ulong)(8192 + 16 * i), 1, builder.AddNode(0, builder.AddCode("a.py", "f"), (uint)i));
        }

        using var replayed = Replayed.From(_folder.File("damaged"));
        using var early = EarlyStacks.TryBegin()!;
        new GrowingStacks(replayed.Session, replayed.Replay).Write((session, nodes) => early.TryAdd(session, nodes));
        using var target = new OutputFile(_folder.File("t.db"));
        using var writer = TraceWriter.Create(target, overwrite: false, early);
        Assert.ThrowsExactly<InvalidTraceException>(() => writer.Add(replayed.Session, replayed.Replay, ProcessEnding.Killed, []));
    }

    private SqliteConnection Write(string name, string[] paths, int early)
    {
        var replayed = paths.Select(path => Replayed.From(path)).ToArray();
        using var begun = early == 0 ? null : EarlyStacks.TryBegin()!;
        if (begun is not null)
            Assert.IsTrue(Add(begun, replayed[0], early));

        using var target = new OutputFile(_folder.File(name));
        using (var writer = TraceWriter.Create(target, overwrite: false, begun))
        {
            foreach (var process in replayed)
                writer.Add(process.Session, process.Replay, ProcessEnding.Killed, []);

            writer.Complete();
        }

        foreach (var process in replayed)
            process.Dispose();

        return new SqliteConnection($"Data Source={_folder.File(name)};Mode=ReadOnly;Pooling=False");
    }

    /// <summary>Adds as a collector does: in parts, with the next part of the sites each time.</summary>
    private static bool Add(EarlyStacks early, Replayed replayed, int sites)
    {
        var isAdded = true;
        var growing = new GrowingStacks(replayed.Session, replayed.Replay);
        for (var added = 0; added < sites; added += 2048)
            growing.Write((session, nodes) => isAdded &= early.TryAdd(session, nodes.Take(sites - added)));

        return isAdded;
    }

    private static string[] Rows(SqliteConnection database, string table) =>
        [.. database.Query($"SELECT * FROM {table}").Select(row => string.Join('|', ((IDictionary<string, object>)row).Values))];

    /// <summary>A session with many stacks, some of which share callers, functions and the stack that was not kept.</summary>
    private string Session(string name, uint firstLine)
    {
        var path = _folder.File(name);
        using var builder = new SessionBuilder(path, capacity: 16 << 20);
        var thread = builder.AddThread();
        uint[] codes = [.. Enumerable.Range(0, 7).Select(i => builder.AddCode($"{i}.py", $"f{i}"))];
        var nodes = new List<uint> { 0 };
        for (var i = 1; i < Sites; i++)
            nodes.Add(builder.AddNode(nodes[i / 3], codes[i % 7], firstLine + (uint)i));

        for (var i = 0; i < Sites; i++)
            thread.Malloc(Obj, (ulong)(4096 + 16 * i), 16, nodes[(i * 7) % Sites]);

        return path;
    }
}
