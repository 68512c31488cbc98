using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Support;

using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Storage;

[TestClass]
public sealed class TraceWriterTests
{
    private const int Raw = 0, Obj = 2, Tracked = 3;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.File("trace.db");

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void Rows_add_up()
    {
        Write(ProcessEnding.Killed, Session("one", Program));
        using var database = Open();
        Assert.AreEqual(
            database.QuerySingle<(long, long)>("SELECT sum(allocated_bytes) - sum(freed_bytes), sum(allocated_blocks) - sum(freed_blocks) FROM site"),
            database.QuerySingle<(long, long)>("SELECT bytes, blocks FROM snapshot WHERE kind = 'live'"));
        foreach (var kind in (string[])["live", "peak"])
        {
            Assert.AreEqual(
                database.QuerySingle<(long, long)>("SELECT bytes, blocks FROM snapshot WHERE kind = @kind", new { kind }),
                database.QuerySingle<(long, long)>($"SELECT sum(bytes), sum(blocks) FROM {kind}"));
        }

        Assert.AreEqual(
            0,
            database.QuerySingle<int>(
                """
                SELECT count(*) FROM (SELECT site, sum(allocated_bytes) AS a, sum(freed_bytes) AS f FROM slice_site GROUP BY site) AS slices
                JOIN site ON site.id = slices.site WHERE a <> site.allocated_bytes OR f <> site.freed_bytes
                """));
        Assert.AreEqual(
            database.QuerySingle<long>("SELECT sum(allocated_bytes) FROM site"),
            database.QuerySingle<long>("SELECT sum(bytes) FROM operation WHERE kind <> 'free'"));
        Assert.AreEqual(0, database.Query("PRAGMA foreign_key_check").Count(), "references lead somewhere");
        Assert.AreEqual("ok", database.QuerySingle<string>("PRAGMA integrity_check"));
    }

    [TestMethod]
    public void Site_has_its_frame_thread_and_domain()
    {
        Write(ProcessEnding.Killed, Session("one", Program));
        using var database = Open();
        Assert.AreEqual(
            ("program.py", 2L, "Program.run", "tracked numpy", "worker", 2L),
            database.QuerySingle<(string, long, string, string, string, long)>(
                """
                SELECT filename, lineno, function, 'tracked ' || domain_name, thread_name, depth FROM site_frame
                JOIN stack ON stack.id = site_frame.stack WHERE domain_name = 'numpy'
                """));
    }

    [TestMethod]
    public void Code_and_stacks_of_two_processes_are_there_once()
    {
        Write(ProcessEnding.Killed, Session("one", Program), Session("two", Program));
        using var database = Open();
        Assert.AreEqual(2, database.QuerySingle<int>("SELECT count(*) FROM process"));
        Assert.AreEqual(1, database.QuerySingle<int>("SELECT count(*) FROM code"));
        Assert.AreEqual(4, database.QuerySingle<int>("SELECT count(*) FROM stack"), "none, one not kept, two frames");
        Assert.AreEqual(0, database.Query("PRAGMA foreign_key_check").Count());
    }

    /// <summary>
    /// Writes as many rows as a statement takes, one less, one more, and the rest of the process before, and requires that none is lost or
    /// mixed up.
    /// </summary>
    [TestMethod]
    public void Every_row_of_several_processes_is_there()
    {
        int[] counts = [1, 49, 50, 51, 120, 0, 250];
        Write(ProcessEnding.Killed, [.. counts.Select((count, process) => Session($"{process}", (session, thread) =>
        {
            var code = session.AddCode($"{process}.py", "f");
            for (var line = 1u; line <= count; line++)
                thread.Malloc(Obj, line * 65536, 1000 + line, session.AddNode(0, code, line));
        }))]);

        using var database = Open();
        Assert.AreEqual("ok", database.QuerySingle<string>("PRAGMA integrity_check"));
        Assert.AreEqual(0, database.Query("PRAGMA foreign_key_check").Count());
        foreach (var sites in (string[])["site_frame", "peak", "live"])
        {
            var bytes = sites == "site_frame" ? "allocated_bytes" : "bytes";
            var rows = database.Query<(string, long, long)>($"SELECT filename, lineno, {bytes} FROM {sites}");
            CollectionAssert.AreEquivalent(counts.SelectMany((count, process) => Enumerable.Range(1, count).Select(line => ($"{process}.py", (long)line, 1000L + line))).ToArray(), rows.ToArray(), sites);
        }

        Assert.AreEqual(database.QuerySingle<long>("SELECT sum(allocated_bytes) FROM site"), database.QuerySingle<long>("SELECT sum(allocated_bytes) FROM slice_site"));
    }

    [TestMethod]
    public void Losses_are_told()
    {
        var loss = new Loss(LossReason.StackNotKept, 12, null, null);
        using (var writer = TraceWriter.Create(Database, overwrite: false))
        {
            using var replayed = Replayed.From(Session("one", (_, thread) => thread.Lost(5, SessionBuilder.StartedNs + 1, SessionBuilder.StartedNs + 2)));
            writer.Add(replayed.Session, replayed.Replay, ProcessEnding.Killed, [loss]);
            writer.Complete();
        }

        using var database = Open();
        CollectionAssert.AreEqual(
            new (long?, string, long, long?, long?)[] { (null, "stack not kept", 12, null, null), (1, "slabs full", 5, 1, 2) },
            database.Query<(long?, string, long, long?, long?)>("SELECT thread, reason, events, first_ns, last_ns FROM loss").ToArray());
    }

    [TestMethod]
    public void Existing_file_is_not_overwritten()
    {
        File.WriteAllText(Database, "precious");
        var exception = Assert.ThrowsExactly<IOException>(() => TraceWriter.Create(Database, overwrite: false));
        StringAssert.Contains(exception.Message, "exists");
        Assert.AreEqual("precious", File.ReadAllText(Database));
    }

    [TestMethod]
    public void File_that_appears_meanwhile_is_not_overwritten()
    {
        using (var writer = TraceWriter.Create(Database, overwrite: false))
        {
            File.WriteAllText(Database, "precious");
            Assert.ThrowsExactly<IOException>(writer.Complete);
        }

        Assert.AreEqual("precious", File.ReadAllText(Database));
        Assert.AreEqual(1, Directory.GetFiles(_folder.Path).Length, "nothing is left behind");
    }

    [TestMethod]
    [DataRow(3_000_000_000u, 1u, "the line of stack 2 is 3000000000")]
    [DataRow(1u, 3_000_000_000u, "a function begins on line 3000000000")]
    public void Lines_that_no_reader_takes_are_not_written(uint line, uint firstLine, string says)
    {
        var session = Session("damaged", (session, thread) => thread.Malloc(Obj, 4096, 1, session.AddNode(0, session.AddCode("a.py", "f", firstLine: firstLine), line)));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidTraceException>(() => Write(ProcessEnding.Killed, session)).Message, says);
    }

    [TestMethod]
    public void Unfinished_database_leaves_nothing()
    {
        File.WriteAllText(Database, "precious");
        TraceWriter.Create(Database, overwrite: true).Dispose();
        Assert.AreEqual("precious", File.ReadAllText(Database));
        Assert.AreEqual(1, Directory.GetFiles(_folder.Path).Length);
    }

    [TestMethod]
    public void Missing_folder_is_named()
    {
        var exception = Assert.ThrowsExactly<IOException>(() => TraceWriter.CheckTarget(_folder.File("missing/trace.db"), overwrite: false));
        StringAssert.Contains(exception.Message, $"the folder {_folder.File("missing")} does not exist");
    }

    [TestMethod]
    public void Command_is_quoted_for_a_shell() =>
        Assert.AreEqual("python3 -c 'print('\\''hi'\\'')' '' a=b", ShellQuoting.Join(["python3", "-c", "print('hi')", "", "a=b"]));

    private static void Program(SessionBuilder session, BuiltThread thread)
    {
        session.Set32(100 + 4 * Tracked, 389047);
        var code = session.AddCode("program.py", "run", "Program.run", 1);
        var outer = session.AddNode(0, code, 1);
        var inner = session.AddNode(outer, code, 2);
        for (var i = 1UL; i < 100; i++)
        {
            session.NowNs += 40_000_000;
            thread.Malloc(Obj, i * 4096, 10 * i, outer);
            thread.Calloc(Raw, i * 4096 + 16, i, 0);
            thread.Malloc(Obj, i * 4096 + 32, i, 1);
            thread.Mark(4);
            if (i % 3 == 0)
                thread.Free(Obj, i * 4096);
        }

        thread.Malloc(Tracked, 64, 5000, inner);
    }

    private string Session(string name, Action<SessionBuilder, BuiltThread> program)
    {
        var path = _folder.File($"{name}.alloctrace");
        using var session = new SessionBuilder(path, 4 << 20);
        program(session, session.AddThread("worker"));
        return path;
    }

    private void Write(ProcessEnding ending, params string[] sessions)
    {
        using var writer = TraceWriter.Create(Database, overwrite: false);
        foreach (var path in sessions)
        {
            using var replayed = Replayed.From(path);
            writer.Add(replayed.Session, replayed.Replay, ending, []);
        }

        writer.Complete();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        return connection;
    }
}
