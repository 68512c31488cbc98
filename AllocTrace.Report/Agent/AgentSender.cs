using AllocTrace.Report.Push;

namespace AllocTrace.Report.Agent;

/// <summary>
/// Sends what waits in an agent's queue, the oldest first, and removes what the receiver took. While the receiver is away, slow, points elsewhere or answers
/// something else, requests stay in the queue: the pauses become longer, and differ from agent to agent so that a fleet does not come back at once.
/// </summary>
/// <param name="agent">Has the queue.</param>
/// <param name="say">Called when sending begins to fail, and when it works again.</param>
internal sealed class AgentSender(FleetAgent agent, Action<string> say) : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30), _firstPause = TimeSpan.FromSeconds(1), _longestPause = TimeSpan.FromMinutes(5);

    private readonly Lock _server = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _more = new(0), _changed = new(0);
    private HttpClient? _client;
    private Uri? _address;
    private Task _sending = Task.CompletedTask;
    private string? _said;

    /// <summary>The number of requests that failed and stayed in the queue.</summary>
    public long Failures { get; private set; }

    /// <summary>The number of requests that the receiver took.</summary>
    public long Requests { get; private set; }

    /// <summary>The bytes of these, compressed.</summary>
    public long SentBytes { get; private set; }

    /// <summary>Multiplies all pauses; tests make them shorter.</summary>
    public double PauseScale { get; init; } = 1;

    /// <summary>Sends to a server from now on.</summary>
    public void Use(PushServer server)
    {
        lock (_server)
        {
            (_client, _address) = (server.CreateClient(_timeout), PushTarget.OtlpAddressOf(server.Address)); // a request under way keeps the old client
            _changed.Release();
        }
    }

    /// <summary>Begins to send.</summary>
    public void Start() => _sending = Task.Run(SendAll);

    /// <summary>There is more to send.</summary>
    public void Wake() => _more.Release();

    /// <summary>Waits until the queue is empty, sending fails, or time is up.</summary>
    public void Flush(TimeSpan timeout)
    {
        var (end, failures) = (Environment.TickCount64 + (long)timeout.TotalMilliseconds, Failures);
        Wake();
        while (Environment.TickCount64 < end && Failures == failures && agent.WithQueue(queue => queue.Queued) > 0)
            Thread.Sleep(20);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _sending.Wait();
        _client?.Dispose();
        _stop.Dispose();
        _more.Dispose();
        _changed.Dispose();
    }

    private async Task SendAll()
    {
        var pause = _firstPause;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (agent.WithQueue(queue => queue.Peek()) is not { } first)
                {
                    await _more.WaitAsync(_stop.Token);
                    continue;
                }

                var problem = await Send(first.Content);
                if (Settle(first.Id, first.Profiles, first.Content.Length, problem))
                {
                    pause = _firstPause;
                    continue;
                }

                await Pause(problem!, pause);
                pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is Microsoft.Data.Sqlite.SqliteException or IOException)
            {
                Say($"the queue cannot be read: {e.Message}");
                await Pause(new SendProblem(e.Message, true), pause);
            }
        }
    }

    private async Task<SendProblem?> Send(byte[] content)
    {
        HttpClient client;
        Uri address;
        lock (_server)
            (client, address) = (_client!, _address!);

        return await new ProfileSender(client).TrySend(new PushedProfile(address, content, PushFormat.Otlp), _stop.Token);
    }

    /// <summary>Removes a request that was taken, or never will be; counts it.</summary>
    /// <returns>True if it was removed.</returns>
    private bool Settle(long id, long profiles, int bytes, SendProblem? problem)
    {
        if (problem is { Rejected: 0 } && !IsRefusal(problem))
        {
            Failures++;
            Say($"{problem.Text}; trying again until the queue is full");
            return false;
        }

        var rejected = Math.Min(problem?.Rejected ?? 0, profiles);
        agent.WithQueue(queue =>
        {
            if (rejected > 0)
                queue.Count(AgentCounters.Rejected, rejected);

            queue.Settle(id, problem is null || problem.Rejected > 0 ? AgentCounters.Sent : AgentCounters.Refused, profiles - rejected);
            return 0;
        });
        if (problem is not null)
        {
            Say(problem.Rejected > 0 ? problem.Text : $"{problem.Text}: {profiles} profiles are given up");
            return true;
        }

        (Requests, SentBytes) = (Requests + 1, SentBytes + bytes);
        if (_said is not null)
            Say("the receiver takes profiles again");

        _said = null;
        return true;
    }

    /// <summary>
    /// Returns true if the receiver refuses the content, as it will again. Other answers may come from a proxy, or from a setting that will
    /// change.
    /// </summary>
    private static bool IsRefusal(SendProblem problem) => problem.Status is 400 or 413 or 415 or 422;

    /// <summary>Waits a while, which differs by half. A new server ends it.</summary>
    private async Task Pause(SendProblem problem, TimeSpan pause)
    {
        var asked = problem.RetryAfter is { } after && after > pause ? after : pause;
        var limited = asked < _longestPause ? asked : _longestPause;
        while (_changed.Wait(0))
        {
            // Changes before the pause.
        }

        await _changed.WaitAsync(limited * PauseScale * (0.75 + (0.5 * Random.Shared.NextDouble())), _stop.Token);
    }

    /// <summary>Writes a line unless it repeats the last one.</summary>
    private void Say(string line)
    {
        if (line != _said)
            say(line);

        _said = line;
    }
}
