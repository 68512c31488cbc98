using AllocTrace.Analysis;
using AllocTrace.Events;
using AllocTrace.Replay;
using AllocTrace.Storage;
using AllocTrace.Testing;
using AllocTrace.Tests.Replay;
using AllocTrace.Tests.Support;
using AllocTrace.Wire;

using CsCheck;

using Dapper;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Tests.Events;

/// <summary>Compares the log of every event, from the records into the database and out of it, with a plain model.</summary>
[TestClass]
public sealed class EventLogTests
{
    private const int Obj = 2;
    private const ulong A = 0x10000;

    private readonly TemporaryFolder _folder = new();

    private string Database => _folder.File("trace.db");

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    [DataRow(64 << 20)]
    [DataRow(1)]
    public void Log_is_what_the_program_did_whoever_collected_it(int shortestJournal) => Gen.Int.Sample(seed =>
    {
        using var folder = new TemporaryFolder();
        var random = new Random(seed);
        var model = new NaiveModel(1);
        using var session = new SessionBuilder(folder.File("random.alloctrace"), 16 << 20) { EventsBytes = 64 << 20 };
        var program = new RandomProgram(random, session, model);
        program.Run(events: 100);
        var collector = Next();
        for (var step = 0; step < 30; step++)
        {
            program.Run(events: random.Next(600));
            if (random.Next(3) == 0)
                collector.Round();

            if (random.Next(4) == 0)
            {
                collector.Dispose();
                collector = Next();
            }
        }

        collector.Finish();
        using (collector)
            Write(collector, folder.File("trace.db"));

        AssertEqual(model, folder.File("trace.db"));

        MortalCollector Next() => new(session.Path, () => session.NowNs, shortestJournal: shortestJournal);
    }, iter: 10, threads: 1);

    [TestMethod]
    public void Log_of_several_blocks_is_read_in_order()
    {
        using var session = new SessionBuilder(_folder.File("long.alloctrace")) { EventsBytes = 64 << 20 };
        var (thread, stacks) = (session.AddThread(), session.AddStacks(3));
        for (var i = 0UL; i < 100_000; i++)
        {
            session.NowNs += 1000;
            thread.Malloc(Obj, A + (16 * i), i, stacks[i % 3]);
            if (i > 0)
                thread.Free(Obj, A + (16 * (i - 1)));
        }

        var events = Collect(session);
        Assert.HasCount(199_999, events);
        Assert.AreEqual((1L, 0UL + A, 0L), (1L, events[0].Address!.Value, events[0].Bytes!.Value));
        Assert.AreEqual(events.Count, events.Zip(events.Skip(1)).Count(pair => pair.First.TimeNs <= pair.Second.TimeNs) + 1, "time does not go back");
        Assert.AreEqual((AllocationKind.Free, A + (16 * 99_998), 99_998L), (events[^1].Kind, events[^1].Address!.Value, events[^1].Bytes!.Value));
        using var database = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        Assert.IsGreaterThan(2, database.QuerySingle<int>("SELECT count(*) FROM event_block"));
        Assert.AreEqual("ok", database.QuerySingle<string>("PRAGMA integrity_check"));
        Assert.AreEqual(0, database.Query("PRAGMA foreign_key_check").Count());
    }

    [TestMethod]
    public void Log_ends_before_what_does_not_fit_and_counts_it()
    {
        using var session = new SessionBuilder(_folder.File("long.alloctrace")) { EventsBytes = 1000 };
        var thread = session.AddThread();
        for (var i = 0UL; i < 200_000; i++)
            thread.Malloc(Obj, A + (16 * (i * 7919 % 100_003)), i, 0);

        Collect(session);
        using var database = TraceDatabase.Open(Database);
        var log = database.EventLogs.Single();
        Assert.AreEqual((0L, 200_000L, 0L), (log.Events, log.LeftOut, log.LeftOutNs));
    }

    [TestMethod]
    public void Database_has_no_event_log_without_the_option()
    {
        using var session = new SessionBuilder(_folder.File("plain.alloctrace"), 4 << 20);
        session.AddThread().Malloc(Obj, A, 10, 0);
        Assert.IsEmpty(Collect(session));
        using var database = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        Assert.AreEqual(0, database.QuerySingle<int>("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'event%'"));
    }

    [TestMethod]
    public void Damaged_records_end_the_log_where_they_end_the_replay()
    {
        using var session = new SessionBuilder(_folder.File("damaged.alloctrace"), 4 << 20) { EventsBytes = 1 << 20 };
        var thread = session.AddThread();
        thread.Malloc(Obj, A, 10, 0);
        thread.Malloc(Obj, A + 16, 10, 4711); // no such stack
        thread.Malloc(Obj, A + 32, 10, 0);
        using var collected = SessionFile.TryOpen(session.Path, shared: false)!;
        using var replay = new ProcessReplay(collected, 1);
        using var log = EventLog.Of(collected)!;
        using var drain = new SessionDrain(collected, replay, new() { Events = log });
        Assert.ThrowsExactly<InvalidTraceException>(drain.Finish);
        log.Finish();
        Assert.AreEqual((1L, 1L), (log.Events, replay.Operations(Obj, RecordKind.Malloc).Calls));
    }

    [TestMethod]
    public void Reallocation_that_failed_is_no_event_and_needs_no_domain()
    {
        using var session = new SessionBuilder(_folder.File("failed.alloctrace"), 4 << 20) { EventsBytes = 1 << 20 };
        var thread = session.AddThread();
        thread.Malloc(Obj, A, 10, 0);
        thread.ReallocBegin(10, A);
        thread.ReallocFailed(10, A);
        Assert.AreEqual(AllocationKind.Malloc, Collect(session).Single().Kind);
    }

    [TestMethod]
    public void Merged_recordings_keep_their_logs()
    {
        var paths = new List<string>();
        foreach (var (name, bytes) in new[] { ("one", 10UL), ("plain", 0UL), ("two", 20UL) })
        {
            using var session = new SessionBuilder(_folder.File($"{name}.alloctrace"), 4 << 20) { EventsBytes = bytes == 0 ? 0UL : 1 << 20 };
            session.AddThread(name).Malloc(Obj, A, 5 + bytes, session.AddStacks(2)[1]);
            Collect(session);
            paths.Add(_folder.File($"{name}.db"));
            File.Move(Database, paths[^1]);
        }

        TraceMerge.Write(Database, overwrite: false, [paths[1], paths[0], paths[2]]);
        using var merged = TraceDatabase.Open(Database);
        var events = merged.Processes.Select(process => AllocationEvent.Read(merged, process).ToArray()).ToArray();
        Assert.IsEmpty(events[0]);
        Assert.AreEqual(("one", 15L, 2), (events[1].Single().Thread.Name, events[1][0].Bytes, events[1][0].TracebackIn(merged).Count));
        Assert.AreEqual(("two", 25L, 2), (events[2].Single().Thread.Name, events[2][0].Bytes, events[2][0].TracebackIn(merged).Count));
    }

    [TestMethod]
    [DataRow("UPDATE event_block SET content = x'00'", "block 0 of the event log of process 4000000: ")]
    [DataRow("UPDATE event_block SET content = substr(content, 1, 20)", "block 0 of the event log of process 4000000: ")]
    [DataRow("UPDATE event_block SET events = 7", "it has 2 events, but its row says 7")]
    [DataRow("UPDATE event_block SET position = 3", "block 0 of the event log of process 4000000: it is missing")]
    [DataRow("DELETE FROM event_stack", "an allocation of 10 bytes by stack 0")]
    [DataRow("DELETE FROM event_thread", "a run of 2 events of thread 0")]
    [DataRow("DELETE FROM event_domain", "an event of domain 2")]
    [DataRow("UPDATE event_stack SET stack = 99", "there is no stack 99")]
    [DataRow("UPDATE event_log SET process = 99", "there is no process 99")]
    [DataRow("DROP TABLE event_block", "no such table")]
    public void Damage_is_told_in_a_line(string change, string says)
    {
        using (var session = new SessionBuilder(_folder.File("sound.alloctrace"), 4 << 20) { EventsBytes = 1 << 20 })
        {
            var thread = session.AddThread();
            thread.Malloc(Obj, A, 10, 0);
            thread.Free(Obj, A);
            Collect(session);
        }

        using (var connection = new SqliteConnection($"Data Source={Database};Pooling=False;Foreign Keys=False"))
            connection.Execute(change);

        var damage = Assert.ThrowsExactly<InvalidTraceException>(() =>
        {
            using var database = TraceDatabase.Open(Database);
            AllocationEvent.Read(database, database.Processes[0]).ToArray();
        });
        StringAssert.StartsWith(damage.Message, $"{Database}: damaged: ");
        StringAssert.Contains(damage.Message, says);
        Assert.DoesNotContain("\n", damage.Message);
    }

    private List<AllocationEvent> Collect(SessionBuilder session)
    {
        using var collector = new MortalCollector(session.Path, () => session.NowNs);
        collector.Finish();
        return Write(collector, Database);
    }

    private static List<AllocationEvent> Write(MortalCollector collector, string path)
    {
        using (var writer = TraceWriter.Create(path, overwrite: false))
        {
            collector.WriteTo(writer);
            writer.Complete();
        }

        using var database = TraceDatabase.Open(path);
        return [.. AllocationEvent.Read(database, database.Processes[0])];
    }

    private static void AssertEqual(NaiveModel model, string path)
    {
        using var database = TraceDatabase.Open(path);
        AllocationEvent[] events = [.. AllocationEvent.Read(database, database.Processes[0])];
        Assert.HasCount(model.Calls.Count, events);
        string[] domains = ["raw", "mem", "obj", "numpy"];
        for (var i = 0; i < events.Length; i++)
        {
            var (call, read) = (model.Calls[i], events[i]);
            var depth = Math.Max((int)call.Stack - 1, Math.Min((int)call.Stack, 1)); // node 2 is the first of a chain, node 1 "a stack that could not be kept"
            Assert.AreEqual(
                (SessionBuilder.FirstOsId + call.Thread, domains[call.Domain], call.Kind, call.Address, (long?)call.Size, call.Old, depth),
                (read.Thread.OsId, read.Domain, (int)read.Kind + 1, read.Address!.Value, read.Bytes, read.OldAddress, read.TracebackIn(database).Count),
                $"call {i}");
        }
    }
}
