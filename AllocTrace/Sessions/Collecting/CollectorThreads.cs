namespace AllocTrace.Sessions;

/// <summary>
/// The threads of a collector. The first one looks for sessions and adds others, up to one for each processor, when there are several sessions. Each waits
/// between its rounds for as long as slabs take to fill.
/// </summary>
/// <param name="look">Looks for sessions; returns how many there are.</param>
/// <param name="serve">Serves all sessions once; returns the highest <see cref="FollowedSession.Load"/>.</param>
/// <param name="fail">Called with an unexpected exception; afterwards <paramref name="isOver"/> is true.</param>
/// <param name="isOver">True if nothing can be collected any longer.</param>
internal sealed class CollectorThreads(Func<int> look, Func<double> serve, Action<Exception> fail, Func<bool> isOver) : IDisposable
{
    /// <summary>The time between two rounds.</summary>
    public const int ShortestWaitMs = 1, LongestWaitMs = 20;

    /// <summary>
    /// The share of a session's slabs that a look should find full. With more, the program might run out of slabs before the next look, or
    /// take others, which are colder. With less, looks cost more than what they find, and hold up the program on a shared core.
    /// </summary>
    public const double LeastLoad = 1.0 / 8, MostLoad = 1.0 / 4;

    /// <summary>The share from which on a thread that does anything else may hold up the program.</summary>
    public const double HighLoad = 1.0 / 2;

    private readonly List<Thread> _threads = [];
    private readonly ManualResetEventSlim _stop = new();

    /// <summary>Called by each thread before anything else.</summary>
    public Action Begin { get; set; } = () => { };

    public void Start()
    {
        var isFirst = _threads.Count == 0;
        var thread = new Thread(() => Work(isFirst)) { IsBackground = true, Name = "alloctrace collector" };
        _threads.Add(thread);
        thread.Start();
    }

    /// <summary>Ends the threads, and blocks until they have ended.</summary>
    public void Stop()
    {
        _stop.Set();
        for (var i = 0; i < _threads.Count; i++)
            _threads[i].Join(); // the first one, which adds the others, adds none any longer

        _threads.Clear();
    }

    public void Dispose()
    {
        Stop();
        _stop.Dispose();
    }

    private void Work(bool isFirst)
    {
        try
        {
            Begin();
            for (var waitMs = ShortestWaitMs; !isOver() && !_stop.Wait(waitMs);)
            {
                if (isFirst && _threads.Count < Math.Min(Environment.ProcessorCount, look()))
                    Start();

                waitMs = serve() switch
                {
                    > MostLoad => Math.Max(waitMs / 2, ShortestWaitMs),
                    < LeastLoad => Math.Min(2 * waitMs, LongestWaitMs),
                    _ => waitMs,
                };
            }
        }
        catch (Exception e) // this may be a thread of a host, which must not die of it
        {
            fail(e);
        }
    }
}
