using System.Globalization;
using AllocTrace.Report.Agent;
using AllocTrace.Report.Push;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Storage;
using AllocTrace.Testing;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Tests.Agent;

/// <summary>
/// Runs agents that follow sessions which the test writes, and compares the sent profiles and the databases with the test's own calls.
/// </summary>
[TestClass]
public sealed class AgentTests
{
    private const int Sessions = 3;

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];
    private readonly List<BuiltSession> _sessions = [];
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    private string Databases => _folder.File("databases");

    [TestCleanup]
    public void RemoveFolder()
    {
        _sessions.ForEach(session => session.Dispose());
        _folder.Dispose();
    }

    [TestMethod]
    public void Each_period_is_in_the_database_and_at_the_receiver()
    {
        using var receiver = new HttpReceiver();
        using (var agent = Begin())
        using (var sender = Send(agent, receiver))
        {
            for (var i = 0; i < 4; i++)
                Period(agent);

            End(agent);
            sender.Flush(TimeSpan.FromSeconds(20));
        }

        AssertSums();
        var samples = receiver.Requests.SelectMany(OtlpReader.Samples).ToArray();
        OtlpAssert(samples);

        // Levels: the last period before the end has what was alive then.
        CollectionAssert.AreEquivalent(new[] { "4000000", "4000001", "4000002" }, samples.Select(sample => sample.Resource["process.pid"]).Distinct().ToArray());
        Assert.AreEqual(("shop app", "web-1", "ci"), (samples[0].Resource["service.name"], samples[0].Resource["host.name"], samples[0].Resource["env"]));
        Assert.IsEmpty(Directory.EnumerateFiles(_folder.File("sessions")), "sessions are removed when their last period is committed");
        Assert.AreEqual("", string.Join('\n', _said));
    }

    /// <summary>Requires that reports read the databases like any recording, also while they are written.</summary>
    [TestMethod]
    public void Database_is_a_recording()
    {
        using var agent = Begin();
        Period(agent);
        Period(agent);
        var file = Directory.EnumerateFiles(Databases, "*.db").Single();
        var live = new Dictionary<string, long>();
        foreach (var (line, bytes) in _sessions.SelectMany(session => session.Live))
            live[line] = live.GetValueOrDefault(line) + bytes;

        Push.OtlpPushTests.AssertSame(live, Push.OtlpPushTests.Top(file, "live", "size"));
        foreach (var report in new[] { "summary", "tree", "leaks", "timeline", "top --view peak", "top --view temporary" })
            Assert.AreEqual(0, CommandRun.Of([report.Split(' ')[0], file, .. report.Split(' ')[1..]]).ExitCode, report);

        Assert.AreEqual(0, CommandRun.Of("merge", file, "-o", _folder.File("merged.db")).ExitCode);
        Assert.AreEqual(Sessions, InDatabase(file, "SELECT count(*) FROM process WHERE ending = 'running'"));
        Assert.AreEqual(
            0, InDatabase(file, "SELECT count(*) FROM (SELECT site.id FROM site LEFT JOIN slice_site ON site = id GROUP BY id HAVING ifnull(sum(slice_site.allocated_bytes), 0) <> site.allocated_bytes)"));
    }

    /// <summary>
    /// Requires that an agent does not count again what the last one committed, and loses nothing that it did not commit.
    /// </summary>
    [TestMethod]
    public void Next_agent_goes_on_where_the_last_one_committed()
    {
        using var receiver = new HttpReceiver();
        for (var i = 0; i < 3; i++)
        {
            using var agent = Begin();
            using var sender = Send(agent, receiver);
            Period(agent);
            _sessions.ForEach(session => session.Run(300)); // drained, and not committed
            Thread.Sleep(100);
            if (i == 2)
                End(agent);

            sender.Flush(TimeSpan.FromSeconds(20));
        }

        AssertSums();
        OtlpAssert([.. receiver.Requests.SelectMany(OtlpReader.Samples)]);
        Assert.HasCount(3, Directory.GetFiles(Databases, "*.db"));
    }

    /// <summary>
    /// Lets requests wait for a receiver that is absent, slow or moved, or without a receiver, and counts those that a receiver refuses.
    /// </summary>
    [TestMethod]
    public void Nothing_is_lost_but_what_is_counted()
    {
        using var receiver = new HttpReceiver();
        ReceiverAnswer?[] troubles =
        [
            new(503), new(307, Location: "http://127.0.0.1:1/elsewhere"), new(200, "<html>log in</html>", "text/html"), new(429), new(401), new(404), new(200, DelayMs: 300), new(400, "too old"), null,
        ];
        var refused = 0L;
        var asked = 0;
        var taken = 0L;
        receiver.Answer = request =>
        {
            var answer = asked < troubles.Length ? troubles[asked++] : null;
            if (answer is { Status: 400 })
                refused += OtlpReader.Profiles(request);
            if (answer is null or { Status: 200, Body: "" })
                taken += OtlpReader.Profiles(request);

            return answer ?? new();
        };
        using (var agent = Begin())
        using (var sender = Send(agent, receiver))
        {
            for (var i = 0; i < 4; i++)
                Period(agent);

            End(agent);
            Until(() =>
            {
                sender.Wake();
                return agent.WithQueue(queue => queue.Queued) == 0;
            });
            var counters = AgentCounters.All.ToDictionary(name => name, name => agent.WithQueue(queue => queue.Counter(name)));
            Assert.AreEqual(refused, counters[AgentCounters.Refused]);
            Assert.IsGreaterThan(0, refused);
            Assert.AreEqual(counters[AgentCounters.Made], counters[AgentCounters.Sent] + counters[AgentCounters.Refused]);
            Assert.AreEqual(taken, counters[AgentCounters.Sent]);
            Assert.AreEqual(6, sender.Failures);
        }

        AssertSums();
        var said = string.Join('\n', _said);
        StringAssert.Contains(said, "the server answered 503 Service Unavailable; trying again until the queue is full");
        StringAssert.Contains(said, "Redirects are not followed");
        StringAssert.Contains(said, "the server answered 200 with text/html instead of OTLP");
        StringAssert.Contains(said, "the server answered 400 Bad Request: too old");
        StringAssert.Contains(said, "the receiver takes profiles again");
    }

    /// <summary>Requires that the queue stays within its limit without a receiver, and that each dropped profile is counted.</summary>
    [TestMethod]
    public void Queue_is_bounded_and_what_it_drops_is_counted()
    {
        using (var agent = Begin(queue: 8_000))
        {
            for (var i = 0; i < 15; i++)
            {
                Period(agent, calls: 30);
                Assert.IsLessThanOrEqualTo(8_000, agent.WithQueue(queue => queue.QueuedBytes));
            }

            var (made, dropped, waiting) = agent.WithQueue(queue => (queue.Counter(AgentCounters.Made), queue.Counter(AgentCounters.Dropped), queue.Connection.Number("SELECT sum(profiles) FROM outbox")));
            Assert.IsGreaterThan(0, dropped);
            Assert.AreEqual(made, dropped + waiting);
            End(agent);
        }

        AssertSums();
        StringAssert.Contains(_said[0], "that could not be sent: more than 8000 B wait");
    }

    /// <summary>Makes a database unwritable, and requires that the next one has its period.</summary>
    [TestMethod]
    public void Period_that_could_not_be_written_is_in_the_next_one()
    {
        using var receiver = new HttpReceiver();
        using (var agent = Begin())
        using (var sender = Send(agent, receiver))
        {
            Period(agent);
            using (var reader = new SqliteConnection($"Data Source={Directory.GetFiles(Databases, "*.db").Single()};Pooling=False"))
            {
                reader.Open();
                reader.Run("BEGIN EXCLUSIVE");
                agent.WithQueue(queue => queue.Connection.Number("PRAGMA busy_timeout = 20"));
                Period(agent, calls: 400);
            }

            Assert.HasCount(1, _said);
            StringAssert.Contains(_said[0], "is not written yet: ");
            Period(agent);
            End(agent);
            sender.Flush(TimeSpan.FromSeconds(20));
        }

        AssertSums();
        OtlpAssert([.. receiver.Requests.SelectMany(OtlpReader.Samples)]);
    }

    /// <summary>
    /// Runs the periods of a day, or a part of it (ALLOCTRACE_AGENT_PERIODS=5760 for the whole), of programs whose own memory does not grow: managed and native
    /// memory and disk do not grow.
    /// </summary>
    [TestMethod]
    public void Memory_and_disk_stay_flat()
    {
        var periods = int.Parse(Environment.GetEnvironmentVariable("ALLOCTRACE_AGENT_PERIODS") ?? "120", CultureInfo.InvariantCulture);
        const long Limit = 3 << 20;
        using var agent = Begin(limit: Limit, keep: TimeSpan.FromSeconds(15 * periods / 4), queue: 100_000, mostAlive: 300);
        var (memory, native, most) = (0L, 0L, 0L);
        for (var i = 1; i <= periods; i++)
        {
            _sessions.ForEach(session => session.Run(20));
            Thread.Sleep(2);
            _now = _now.AddSeconds(15);
            agent.Tick(_now);
            if (i % 10 == 0)
                most = Math.Max(most, agent.DatabaseBytes);

            if (i == periods / 2)
                (memory, native) = (GC.GetTotalMemory(forceFullCollection: true), AnonymousBytes());
            if (periods > 1000 && i % 480 == 0)
                Console.WriteLine($"period {i}: {GC.GetTotalMemory(forceFullCollection: true) >> 10} KiB managed, {AnonymousBytes() >> 20} MiB anonymous, {agent.DatabaseBytes >> 10} KiB of databases");
        }

        Assert.IsLessThan(Limit + (Limit / 4), most, "the current database is allowed to grow to an eighth");
        Assert.IsLessThan(memory + (4 << 20), GC.GetTotalMemory(forceFullCollection: true));
        if (periods > 1000) // long enough for it, and alone: other tests allocate too
            Assert.IsLessThan(native + (32 << 20), AnonymousBytes());
        Assert.IsTrue(_said.Any(line => line.StartsWith("removed ", StringComparison.Ordinal)));
        Assert.IsGreaterThan(Directory.GetFiles(Databases, "*.db").Length, 30);
        End(agent);
    }

    [TestMethod]
    public void Second_agent_of_a_folder_is_refused()
    {
        using var agent = Begin();
        CommandRun.Of("agent", _folder.File("sessions"), "-o", Databases).AssertFailed(1, $"{Databases} is in use by another agent: give another folder");
    }

    [TestMethod]
    public void Own_figures_are_served_as_Prometheus_reads_them()
    {
        using var probe = new HttpReceiver();
        var port = probe.Port;
        probe.Dispose();
        using var metrics = new AgentMetrics(port, () => [new("alloctrace_agent_processes", "Processes that are followed.", "gauge", 3), new("alloctrace_agent_write_seconds", "x", "gauge", 0.25)]);
        using var client = new HttpClient();
        Assert.AreEqual(
            "# HELP alloctrace_agent_processes Processes that are followed.\n# TYPE alloctrace_agent_processes gauge\nalloctrace_agent_processes 3\n"
            + "# HELP alloctrace_agent_write_seconds x\n# TYPE alloctrace_agent_write_seconds gauge\nalloctrace_agent_write_seconds 0.25\n",
            client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics")).GetAwaiter().GetResult());
        Assert.AreEqual(System.Net.HttpStatusCode.NotFound, client.GetAsync(new Uri($"http://127.0.0.1:{port}/")).GetAwaiter().GetResult().StatusCode);
    }

    [TestMethod]
    [DataRow("0::/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [DataRow("12:pids:/kubepods/besteffort/pod1/fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210\n0::/", "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210")]
    [DataRow("0::/user.slice/session-1.scope", null)]
    public void Container_is_what_the_control_groups_name(string groups, string? container) => Assert.AreEqual(container, ProcessLabels.ContainerIn(groups));

    /// <summary>Returns the resident bytes that no file has: the memory of the runtime, and what native code allocated.</summary>
    private static long AnonymousBytes() =>
        1024 * File.ReadLines("/proc/self/status").Where(line => line.StartsWith("RssAnon:", StringComparison.Ordinal)).Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture)).Single();

    private FleetAgent Begin(long limit = 1 << 30, TimeSpan? keep = null, long queue = 1 << 30, int mostAlive = int.MaxValue)
    {
        Directory.CreateDirectory(_folder.File("sessions"));
        while (_sessions.Count < Sessions)
            _sessions.Add(new BuiltSession(Path.Combine(_folder.File("sessions"), $"{_sessions.Count}.alloctrace"), _sessions.Count, 4_000_000 + (uint)_sessions.Count, isAlive: true) { MostAlive = mostAlive });

        return new FleetAgent(
            new AgentOptions { Sessions = [_folder.File("sessions")], Folder = Databases, Limit = limit, Queue = queue, Keep = keep ?? TimeSpan.FromHours(24), Host = "web-1", Labels = new Dictionary<string, string> { ["env"] = "ci" }, HasReceiver = true },
            line =>
            {
                lock (_said)
                    _said.Add(line);
            });
    }

    private AgentSender Send(FleetAgent agent, HttpReceiver receiver)
    {
        var sender = new AgentSender(agent, line =>
        {
            lock (_said)
                _said.Add(line);
        })
        { PauseScale = 0.001 };
        sender.Use(new PushServer(new Uri(receiver.Address)));
        sender.Start();
        return sender;
    }

    private void Period(FleetAgent agent, int calls = 200)
    {
        _sessions.ForEach(session => session.Run(calls));
        Thread.Sleep(100); // the collector looks every 20 ms at least
        _now = _now.AddSeconds(15);
        agent.Tick(_now);
    }

    /// <summary>Ends the processes.</summary>
    private void End(FleetAgent agent)
    {
        foreach (var session in _sessions)
        {
            session.End();
            session.Dispose();
        }

        Until(() =>
        {
            _now = _now.AddSeconds(1);
            agent.Tick(_now);
            return agent.ProcessCount == 0 && !Directory.EnumerateFiles(_folder.File("sessions")).Any();
        });
    }

    private static void Until(Func<bool> isSo)
    {
        for (var end = Environment.TickCount64 + 30_000; !isSo(); Thread.Sleep(20))
            Assert.IsLessThan(end, Environment.TickCount64);
    }

    /// <summary>Compares the sums of all databases with the test's own calls.</summary>
    private void AssertSums()
    {
        var allocated = new Dictionary<string, long>();
        foreach (var file in Directory.EnumerateFiles(Databases, "*.db"))
        {
            foreach (var (line, bytes) in Push.OtlpPushTests.Top(file, "total", "size"))
                allocated[line] = allocated.GetValueOrDefault(line) + bytes;
        }

        Push.OtlpPushTests.AssertSame(Expected(), allocated);
        Assert.AreEqual(_sessions.Sum(session => session.Freed), Directory.EnumerateFiles(Databases, "*.db").Sum(file => InDatabase(file, "SELECT ifnull(sum(freed_bytes), 0) FROM slice_site")));
    }

    private void OtlpAssert(StoredSample[] samples)
    {
        Push.OtlpPushTests.AssertSame(Expected(), OtlpReader.ByLine(samples, "alloc_space"));
        Assert.AreEqual(_sessions.Sum(session => session.Freed), samples.Where(sample => sample.Type == "free_space").Sum(sample => sample.Value));
        foreach (var session in _sessions.Index())
        {
            var own = samples.Where(sample => sample.Resource["process.pid"] == $"{4_000_000 + session.Index}" && sample.Type == "inuse_space").ToArray();
            var last = own.Max(sample => sample.TimeNs);
            Push.OtlpPushTests.AssertSame(session.Item.Live, OtlpReader.ByLine(own.Where(sample => sample.TimeNs == last), "inuse_space"));
        }
    }

    private Dictionary<string, long> Expected()
    {
        var expected = new Dictionary<string, long>();
        foreach (var (line, bytes) in _sessions.SelectMany(session => session.Allocated))
            expected[line] = expected.GetValueOrDefault(line) + bytes;

        return expected;
    }

    private static long InDatabase(string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
        connection.Open();
        return connection.Number(sql);
    }
}
