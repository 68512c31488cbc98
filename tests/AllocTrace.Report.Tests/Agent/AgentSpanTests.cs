using AllocTrace.Report.Agent;
using AllocTrace.Report.Push;
using AllocTrace.Report.Tests.Support;
using AllocTrace.Storage;
using AllocTrace.Testing;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Tests.Agent;

/// <summary>
/// Runs agents that follow a sampled session with spans, which the test writes, and compares the links that were sent, the databases and the counters with
/// the test's own spans.
/// </summary>
[TestClass]
public sealed class AgentSpanTests
{
    /// <summary>The size of a block: so much larger than the sampling interval that it is always a sample, and stands for itself.</summary>
    private const ulong BlockBytes = 1 << 20;

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];
    private readonly Dictionary<string, long> _expected = [];
    private readonly SessionBuilder _session;
    private readonly BuiltThread _thread;
    private readonly uint[] _stacks;
    private DateTimeOffset _now = DateTimeOffset.UtcNow;
    private ulong _address = 1 << 20;
    private ulong _span;
    private bool _isClosed;

    public AgentSpanTests()
    {
        Directory.CreateDirectory(_folder.File("sessions"));
        _session = new SessionBuilder(Path.Combine(_folder.File("sessions"), "one.alloctrace"));
        _session.Set64(64, 4096); // sampled
        _session.Set64(1024, 0); // of a pid namespace that nobody can tell: it lives while the file is open
        _stacks = _session.AddStacks(2);
        _thread = _session.AddThread();
    }

    [TestCleanup]
    public void RemoveFolder()
    {
        CloseSession();
        _folder.Dispose();
    }

    [TestMethod]
    public void Each_span_is_at_the_receiver_and_in_the_database()
    {
        using var receiver = new HttpReceiver();
        using (var agent = Begin())
        using (var sender = Send(agent, receiver))
        {
            for (var i = 0; i < 3; i++)
                Period(agent);

            _session.Set64(1400, 7); // contexts that could not be read
            Period(agent);
            Assert.AreEqual((_span, 0L, 7L), ((ulong)Counter(agent, AgentCounters.SpanSamples), Counter(agent, AgentCounters.SpanSamplesNotKept), Counter(agent, AgentCounters.ContextsUnread)));
            sender.Flush(TimeSpan.FromSeconds(20));
        }

        AssertSpans(receiver);
        Assert.AreEqual(((long)_span, 0L, 7L), (InDatabases("SELECT sum(samples) FROM trace_context"), InDatabases("SELECT sum(not_kept) FROM trace_context"), InDatabases("SELECT sum(unread) FROM trace_context")));
        Assert.AreEqual("", string.Join('\n', _said));
        foreach (var query in Docs.SchemaPageTests.Queries("trace-context.md"))
            Assert.AreNotEqual(0, Number(Databases().Single(), $"SELECT count(*) FROM ({query.TrimEnd().TrimEnd(';')})"), query);

        Assert.AreEqual(0, CommandRun.Of(["merge", "-o", _folder.File("merged.db"), .. Databases(), .. Databases()]).ExitCode);
        Assert.AreEqual(2 * _expected.Count, Number(_folder.File("merged.db"), "SELECT count(*) FROM slice_span JOIN slice ON slice.id = slice JOIN site ON site.id = site"));
    }

    /// <summary>Keeps the database from being written for a period: its spans are in the next one.</summary>
    [TestMethod]
    public void Spans_of_a_period_that_could_not_be_written_are_in_the_next_one()
    {
        using var receiver = new HttpReceiver();
        using (var agent = Begin())
        using (var sender = Send(agent, receiver))
        {
            Period(agent);
            using (var reader = new SqliteConnection($"Data Source={Databases().Single()};Pooling=False"))
            {
                reader.Open();
                reader.Run("BEGIN EXCLUSIVE");
                agent.WithQueue(queue => queue.Connection.Number("PRAGMA busy_timeout = 20"));
                Period(agent);
            }

            Assert.HasCount(1, _said);
            Period(agent);
            sender.Flush(TimeSpan.FromSeconds(20));
        }

        AssertSpans(receiver);
    }

    /// <summary>
    /// Ends an agent with spans that it did not commit. The next one sends no span twice; those are counted, and their bytes are sent without a link.
    /// </summary>
    [TestMethod]
    public void Spans_that_a_killed_agent_did_not_commit_are_counted()
    {
        using var receiver = new HttpReceiver();
        using (var agent = Begin())
        using (var sender = Send(agent, receiver))
        {
            Period(agent);
            sender.Flush(TimeSpan.FromSeconds(20));
            var committed = new Dictionary<string, long>(_expected);
            Allocate();
            Thread.Sleep(100); // drained, and not committed
            _expected.Clear();
            foreach (var (span, bytes) in committed)
                _expected.Add(span, bytes);
        }

        var lost = (long)_span - _expected.Count;
        Assert.IsGreaterThan(0, lost);
        using (var agent = Begin())
        using (var sender = Send(agent, receiver))
        {
            Thread.Sleep(100);
            Tick(agent);
            Period(agent);
            Assert.AreEqual(lost, Counter(agent, AgentCounters.SpanSamplesNotKept));
            sender.Flush(TimeSpan.FromSeconds(20));
        }

        AssertSpans(receiver);
        Assert.AreEqual(lost, InDatabases("SELECT sum(not_kept) FROM trace_context"));
    }

    /// <summary>Requires that no more spans are kept than may be, and that the others are counted.</summary>
    [TestMethod]
    public void Number_of_spans_is_bounded()
    {
        const int More = 100;
        for (var i = 0; i < Replay.SpanSums.MostSums + More; i++)
        {
            _thread.Context(1, 1, ++_span);
            _thread.Malloc(2, _address, BlockBytes, _stacks[0]);
            _thread.Free(2, _address);
        }

        _session.End();
        CloseSession();
        var database = _folder.File("t.db");
        Assert.AreEqual(0, CommandRun.Of("collect", "-q", "-o", database, _folder.File("sessions")).ExitCode);
        Assert.AreEqual((Replay.SpanSums.MostSums, More), (Number(database, "SELECT sum(samples) FROM slice_span"), Number(database, "SELECT not_kept FROM trace_context")));
        Assert.AreEqual((Replay.SpanSums.MostSums + More) * (long)BlockBytes, Number(database, "SELECT sum(allocated_bytes) FROM site"));
    }

    /// <summary>Ends the process: nobody has its session open any longer.</summary>
    private void CloseSession()
    {
        if (!_isClosed)
            _session.Dispose();

        _isClosed = true;
    }

    private FleetAgent Begin() => new(
        new AgentOptions { Sessions = [_folder.File("sessions")], Folder = _folder.File("databases"), HasReceiver = true },
        line =>
        {
            lock (_said)
                _said.Add(line);
        });

    private AgentSender Send(FleetAgent agent, HttpReceiver receiver)
    {
        var sender = new AgentSender(agent, _ => { }) { PauseScale = 0.001 };
        sender.Use(new PushServer(new Uri(receiver.Address)));
        sender.Start();
        return sender;
    }

    private void Period(FleetAgent agent)
    {
        Allocate();
        Thread.Sleep(100); // the collector looks every 20 ms at least
        Tick(agent);
    }

    private void Tick(FleetAgent agent)
    {
        _now = _now.AddSeconds(15);
        agent.Tick(_now);
    }

    /// <summary>Allocates for spans, and as much again, twice as large, for none.</summary>
    private void Allocate()
    {
        for (var i = 0; i < 20; i++)
        {
            _span++;
            _session.NowNs += 1_000_000;
            _thread.Context(0x0807060504030201, 0x100f0e0d0c0b0a09, _span);
            _thread.Malloc(2, _address += 4 * BlockBytes, BlockBytes, _stacks[(int)_span % 2]);
            _expected.Add($"0102030405060708090a0b0c0d0e0f10 {Reversed(_span)} {_span % 2}", (long)BlockBytes);
            _thread.Malloc(2, _address += 4 * BlockBytes, 2 * BlockBytes, _stacks[(int)_span % 2]);
            _thread.Free(2, _address);
        }
    }

    /// <summary>The digits of a word in the order of its bytes in memory.</summary>
    private static string Reversed(ulong word) => Convert.ToHexStringLower(BitConverter.GetBytes(word));

    private void AssertSpans(HttpReceiver receiver)
    {
        StoredSample[] samples = [.. receiver.Requests.SelectMany(OtlpReader.Samples)];
        var linked = samples.Where(sample => sample.Link is not null).ToLookup(sample => sample.Type);
        CollectionAssert.AreEquivalent(new[] { "alloc_objects", "alloc_space" }, linked.Select(type => type.Key).ToArray());
        CollectionAssert.AreEquivalent(_expected.Select(pair => $"{pair.Key} {pair.Value}").ToArray(), linked["alloc_space"].Select(sample => $"{sample.Link} {StackOf(sample)} {sample.Value}").ToArray());
        Assert.IsTrue(linked["alloc_objects"].All(sample => sample.Value == 1));
        Assert.AreEqual(3 * (long)BlockBytes * (long)_span, samples.Where(sample => sample.Type == "alloc_space").Sum(sample => sample.Value));
        Assert.AreEqual(2 * (long)_span, samples.Where(sample => sample.Type == "alloc_objects").Sum(sample => sample.Value));
        Assert.AreEqual(_expected.Count, InDatabases("SELECT count(*) FROM slice_span"));
        Assert.AreEqual(_expected.Values.Sum(), InDatabases("SELECT sum(allocated_bytes) FROM slice_span"));
    }

    /// <summary>The stack of a sample: 0 is the outer one.</summary>
    private static int StackOf(StoredSample sample) => sample.Frames.Length - 1;

    private string[] Databases() => Directory.GetFiles(_folder.File("databases"), "*.db");

    private long InDatabases(string sql) => Databases().Sum(file => Number(file, sql));

    private static long Number(string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
        connection.Open();
        return connection.Number($"SELECT ifnull(({sql}), 0)");
    }

    private static long Counter(FleetAgent agent, string name) => agent.WithQueue(queue => queue.Counter(name));
}
