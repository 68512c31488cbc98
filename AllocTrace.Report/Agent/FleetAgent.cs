using AllocTrace.Analysis;
using AllocTrace.Report.Export.Otlp;
using AllocTrace.Report.Render;
using AllocTrace.Sessions;
using AllocTrace.Storage;
using Microsoft.Data.Sqlite;

namespace AllocTrace.Report.Agent;

/// <summary>
/// Follows every process of a folder of sessions, and writes what each did in a period: into the rolling database, and into the queue of what is to be sent.
/// A session's file is removed when its last period is committed. Killed at any moment, the next agent continues from the last commit.
/// </summary>
internal sealed class FleetAgent : ISessionSink, IDisposable
{
    /// <summary>After this many samples a request is complete, and what it has is committed.</summary>
    private const int MostSamples = 20_000;

    private readonly AgentOptions _options;
    private readonly RollingDatabase _database;
    private readonly SessionPaths _paths;
    private readonly EndlessCollector _collector;
    private readonly Action<string> _say;

    /// <summary>Protects the processes: workers of the collector end them. Taken after a session's claim.</summary>
    private readonly Lock _model = new();

    /// <summary>Protects the database, which the sender uses too. Taken before <see cref="_model"/>.</summary>
    private readonly Lock _store = new();

    private readonly Dictionary<string, FollowedProcess> _processes = [];
    private readonly Dictionary<string, OtlpResource> _resources = [];
    private readonly Dictionary<string, bool> _hasForked = [];
    private readonly List<string> _finished = [];
    private readonly List<(string Session, long Tick)> _origins = [];
    private readonly HashSet<string> _damaged = [];
    private long _tick;

    /// <param name="options">The options.</param>
    /// <param name="say">Called with everything that a user should know, one line each.</param>
    /// <exception cref="IOException">A folder cannot be used. The message is one line.</exception>
    public FleetAgent(AgentOptions options, Action<string> say)
    {
        _options = options;
        _say = say;
        _paths = new SessionPaths(options.Sessions);
        _database = RollingDatabase.Open(options.Folder, options.Keep, options.Limit);
        _database.State.Forget(session => !File.Exists(session));
        _collector = new EndlessCollector(_paths.Find, options.TemporaryThreshold, this);
        _collector.Start();
    }

    /// <summary>The number of followed processes.</summary>
    public int ProcessCount
    {
        get
        {
            lock (_model)
                return _processes.Count;
        }
    }

    /// <summary>The bytes of the databases.</summary>
    public long DatabaseBytes => _database.Bytes;

    /// <summary>The number of periods that were written.</summary>
    public long Periods => Interlocked.Read(ref _tick);

    /// <summary>The number of times that a session was too busy for a period; its next period is longer.</summary>
    public long Busy { get; private set; }

    /// <summary>Uses the queue exclusively.</summary>
    public T WithQueue<T>(Func<RollingState, T> use)
    {
        lock (_store)
            return use(_database.State);
    }

    /// <summary>Writes the period that ends now. What cannot be written stays for the next one.</summary>
    public void Tick(DateTimeOffset now)
    {
        foreach (var problem in _collector.TakeProblems())
            _say(_paths.Shown(problem));

        if (_collector.HasFailed)
            throw new IOException("the sessions cannot be collected any longer: start the agent again");

        try
        {
            BeginPartIfDue(now);
            Busy += _collector.Visit(Ask);
            WriteAll(now);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            lock (_store)
                _database.GiveUp();

            _say($"the period until {now:u} is not written yet: {Printable.Text(e.Message)}. It will be in the next one");
        }

        Interlocked.Increment(ref _tick);
        RemoveSessions();
        Limit(now);
    }

    public void Take(FollowedSession session, ProcessEnding ending)
    {
        lock (_model)
        {
            if (session.Replay.IsEmpty && session.Damage is null && !_processes.ContainsKey(session.Path))
            {
                _finished.Add(session.Path);
                return;
            }

            Ask(session);
            if (_processes.TryGetValue(session.Path, out var process))
                process.Ending = ending;

            _hasForked[session.Path] = session.HasForked;
            if (session.Damage is not null)
                _damaged.Add(session.Path);
        }
    }

    /// <summary>Stops following. The processes continue, and another agent can follow them.</summary>
    public void Dispose()
    {
        _collector.Release();
        _collector.Dispose();
        _database.Dispose();
    }

    private void BeginPartIfDue(DateTimeOffset now)
    {
        lock (_store)
        {
            if (!_database.IsPartFull(now))
                return;

            lock (_model)
                _database.BeginPart(now, _processes.Values);
        }
    }

    /// <summary>Takes a session's sums. It is claimed by the calling thread.</summary>
    private void Ask(FollowedSession session)
    {
        lock (_model)
        {
            try
            {
                if (!_processes.TryGetValue(session.Path, out var process))
                {
                    if (session.Replay.IsEmpty)
                        return;

                    process = _database.State.Resume(session.Describe());
                    _processes.Add(session.Path, process);
                    _resources.Add(session.Path, ProcessLabels.Of(process.Description, _options));
                }

                session.GiveTo(process, _database.Frames);
            }
            catch (InvalidTraceException e)
            {
                if (_damaged.Add(session.Path))
                    _say(_paths.Shown(e.Message));
            }
        }
    }

    private void WriteAll(DateTimeOffset now)
    {
        FollowedProcess[] processes;
        lock (_model)
            processes = [.. _processes.Values];

        for (var next = 0; next < processes.Length;)
        {
            lock (_store)
                next = WriteSome(processes, next, now);
        }
    }

    /// <summary>Writes as many processes as one request has room for, and commits.</summary>
    /// <returns>The first process that was not written.</returns>
    private int WriteSome(FollowedProcess[] processes, int first, DateTimeOffset now)
    {
        var (request, next, final) = (new OtlpRequest(new FollowedFrames(_database.Frames)), first, new List<FollowedProcess>());
        _database.Begin();
        for (; next < processes.Length && request.Samples < MostSamples; next++)
        {
            lock (_model)
            {
                var process = processes[next];
                if (_options.HasReceiver)
                    Add(request, process, now);

                _database.Write(process, now);
                CountSpans(process.Spans.Latest.Since(process.Spans.Committed));
                if (process.Ending != ProcessEnding.Running)
                    final.Add(process);
            }
        }

        if (request.Profiles > 0)
        {
            _database.State.Enqueue(request.ToCompressed(), request.Profiles, RollingDatabase.Nanoseconds(now));
            _database.State.Count(AgentCounters.Made, request.Profiles);
        }

        _database.Commit();
        lock (_model)
        {
            foreach (var process in processes[first..next])
                process.Commit(RollingDatabase.Nanoseconds(now));

            final.ForEach(Retire);
        }

        return next;
    }

    private void CountSpans(SpanCounts more)
    {
        foreach (var (name, count) in ((string, long)[])[(AgentCounters.SpanSamples, more.Samples), (AgentCounters.SpanSamplesNotKept, more.NotKept), (AgentCounters.ContextsUnread, more.Unread)])
        {
            if (count > 0)
                _database.State.Count(name, count);
        }
    }

    private void Add(OtlpRequest request, FollowedProcess process, DateTimeOffset now)
    {
        var samples = new Dictionary<(int Stack, int Domain), OtlpSample>();
        foreach (ref var site in process.Sites)
        {
            var change = site.Latest - site.Committed;
            if (change == default && site.Latest.Live.Blocks == 0)
                continue;

            var key = (site.Stack, site.Key.Domain);
            if (!samples.TryGetValue(key, out var sample))
                sample = new(site.Stack, [request.Dictionary.Attribute("alloctrace.domain", process.DomainName(site.Key.Domain))], default, default, default);

            samples[key] = sample with { Allocated = sample.Allocated + change.Allocated, Freed = sample.Freed + change.Freed, Alive = sample.Alive + site.Latest.Live };
        }

        var spans = new OtlpSpans<(int Stack, int Domain)>();
        foreach (var ((site, span), sum) in process.Spans.Period())
            spans.Add((process.Sites[site].Stack, process.Sites[site].Key.Domain), span, sum.Allocated);

        var from = DateTimeOffset.UnixEpoch.AddTicks(process.UntilNs / TimeSpan.NanosecondsPerTick);
        request.Add(_resources[process.Description.Session], from < now ? from : now, now, process.Description.SampleBytes, OtlpMeasure.Followed,
            [.. samples.Select(pair => pair.Value with { Spans = spans.Of(pair.Key) })]);
    }

    /// <summary>The last period of a process is committed.</summary>
    private void Retire(FollowedProcess process)
    {
        var session = process.Description.Session;
        _processes.Remove(session);
        _resources.Remove(session);
        _hasForked.Remove(session, out var hasForked);
        if (_damaged.Remove(session))
            return; // it stays for whoever wants to look into it

        if (hasForked)
            _origins.Add((session, _tick));
        else
            _finished.Add(session);
    }

    /// <summary>Removes the sessions of processes whose last period is committed. Those with the stacks that forked children began with stay as long as these need them.</summary>
    private void RemoveSessions()
    {
        List<string> removable;
        lock (_model)
        {
            // A child that was forked at last may not have been seen yet.
            var unneeded = _origins.Where(origin => origin.Tick + 1 < _tick && !_processes.Values.Any(process => process.Needs(origin.Session))).ToArray();
            _origins.RemoveAll(unneeded.Contains);
            removable = [.. _finished, .. unneeded.Select(origin => origin.Session)];
            _finished.Clear();
        }

        foreach (var session in removable)
        {
            if (SessionPaths.TryRemove(session))
                _collector.Forget(session);
            else
                _say($"{_paths.Shown(session)}: collected, but the session cannot be removed");
        }

        if (removable.Count > 0)
        {
            lock (_store)
                _database.State.Forget(session => !File.Exists(session));
        }
    }

    /// <summary>Removes files beyond the limits, and says so.</summary>
    private void Limit(DateTimeOffset now)
    {
        long dropped;
        IReadOnlyList<string> removed;
        lock (_store)
        {
            try
            {
                dropped = _database.State.DropOldest(_options.Queue, AgentCounters.Dropped);
                removed = _database.RemoveOld(now);
            }
            catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
            {
                _say($"the limits cannot be kept: {Printable.Text(e.Message)}");
                return;
            }
        }

        foreach (var line in removed)
            _say(line);

        if (dropped > 0)
            _say($"dropped {Numbers.Of(dropped, "profile")} that could not be sent: more than {ByteSize.Format(_options.Queue)} wait");
    }
}
