using AllocTrace.Report.Push;

namespace AllocTrace.Report.Agent;

/// <summary>An agent at work: periods by the clock, a sender, and figures. What takes too long makes the periods longer, which is said; no target waits for it.</summary>
internal sealed class AgentRun : IDisposable
{
    /// <summary>Periods are made at most this much longer.</summary>
    private const int MostStretch = 16;

    /// <summary>The time limit for the last requests at the end.</summary>
    private static readonly TimeSpan _flushing = TimeSpan.FromSeconds(5);

    private readonly AgentOptions _options;
    private readonly FleetAgent _agent;
    private readonly AgentSender? _sender;
    private readonly Action<string> _say;
    private int _stretch = 1;
    private TimeSpan _lastTick;

    /// <exception cref="IOException">A folder cannot be used. The message is one line.</exception>
    public AgentRun(AgentOptions options, PushServer? server, Action<string> say)
    {
        _options = options;
        _say = say;
        _agent = new FleetAgent(options, say);
        if (server is null)
            return;

        _sender = new AgentSender(_agent, say);
        _sender.Use(server);
        _sender.Start();
    }

    /// <summary>Works until it is stopped; then writes and sends what there is.</summary>
    public void Run(CancellationToken stop)
    {
        while (!stop.WaitHandle.WaitOne(Next(DateTimeOffset.UtcNow)))
            Tick();

        Tick();
        _sender?.Flush(_flushing);
    }

    /// <summary>Sends to another server, or to the same one with other secrets.</summary>
    public void Reload(PushServer? server)
    {
        if (server is not null)
            _sender?.Use(server);
    }

    /// <summary>The figures now.</summary>
    public IReadOnlyList<AgentFigure> Figures()
    {
        var (queued, bytes, counters) = _agent.WithQueue(queue => (queue.Queued, queue.QueuedBytes, AgentCounters.All.ToDictionary(name => name, queue.Counter)));
        var (samples, notKept, unread) = _agent.WithQueue(
            queue => (queue.Counter(AgentCounters.SpanSamples), queue.Counter(AgentCounters.SpanSamplesNotKept), queue.Counter(AgentCounters.ContextsUnread)));
        return
        [
            new("alloctrace_agent_processes", "Processes that are followed.", "gauge", _agent.ProcessCount),
            new("alloctrace_agent_periods_total", "Periods that were written.", "counter", _agent.Periods),
            new("alloctrace_agent_period_seconds", "The length of a period now.", "gauge", (_options.Every * _stretch).TotalSeconds),
            new("alloctrace_agent_write_seconds", "How long the last period took to write.", "gauge", _lastTick.TotalSeconds),
            new("alloctrace_agent_busy_total", "Processes that were too busy to be asked for a period.", "counter", _agent.Busy),
            new("alloctrace_agent_database_bytes", "The size of the databases.", "gauge", _agent.DatabaseBytes),
            new("alloctrace_agent_queue_requests", "Requests that wait to be sent.", "gauge", queued),
            new("alloctrace_agent_queue_bytes", "Their bytes.", "gauge", bytes),
            new("alloctrace_agent_requests_total", "Requests that the receiver took.", "counter", _sender?.Requests ?? 0),
            new("alloctrace_agent_sent_bytes_total", "Their bytes.", "counter", _sender?.SentBytes ?? 0),
            new("alloctrace_agent_failures_total", "Requests that failed and stay in the queue.", "counter", _sender?.Failures ?? 0),
            new("alloctrace_agent_span_samples_total", "Samples with a span of a trace.", "counter", samples),
            new("alloctrace_agent_span_samples_not_kept_total", "Samples with a span that count for none.", "counter", notKept),
            new("alloctrace_agent_contexts_unread_total", "Samples whose trace context could not be read.", "counter", unread),
            .. counters.Select(counter => new AgentFigure($"alloctrace_agent_profiles_{counter.Key}_total", $"Profiles: {counter.Key}.", "counter", counter.Value)),
        ];
    }

    public void Dispose()
    {
        _sender?.Dispose();
        _agent.Dispose();
    }

    /// <summary>
    /// Returns the time until the next period ends. Periods end at multiples of their length, so those of a fleet's hosts coincide.
    /// </summary>
    private TimeSpan Next(DateTimeOffset now)
    {
        var length = (_options.Every * _stretch).Ticks;
        return TimeSpan.FromTicks(length - (now.UtcTicks % length));
    }

    private void Tick()
    {
        var time = System.Diagnostics.Stopwatch.StartNew();
        _agent.Tick(DateTimeOffset.UtcNow);
        _lastTick = time.Elapsed;
        _sender?.Wake();
        var old = _stretch;
        if (_lastTick > _options.Every * _stretch / 2 && _stretch < MostStretch)
            _stretch *= 2;
        else if (_stretch > 1 && _lastTick < _options.Every * _stretch / 8)
            _stretch /= 2;

        if (_stretch != old)
            _say($"a period took {_lastTick.TotalSeconds:0.0} s to write: periods are {(_options.Every * _stretch).TotalSeconds:0.###} s long from now on");
    }
}
