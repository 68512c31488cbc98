using System.Runtime.ExceptionServices;

namespace AllocTrace.Storage;

/// <summary>
/// Runs insertions in their order on a thread of its own, so that SQLite inserts rows while those that follow are made: about half of the
/// work at the end of a large recording, which a second processor does at the same time (docs/performance.md). The thread starts with the first insertion that is
/// given to it; without one, or when there is a single processor, the caller inserts. Used by one thread, which gets the errors.
/// </summary>
/// <param name="hasThread">False if the caller inserts.</param>
internal sealed class InsertQueue(bool hasThread = true) : IDisposable
{
    private const int MostWaiting = 8;

    private readonly Queue<Action> _waiting = new(MostWaiting);
    private readonly object _lock = new();
    private Thread? _thread;
    private bool _isRunning, _isOver;
    private bool _isRefused = !hasThread || Environment.ProcessorCount == 1;
    private Exception? _error;

    /// <summary>True if what is inserted now has to go through the queue.</summary>
    public bool IsUsed => _thread is not null;

    /// <summary>Inserts at once, or later on the queue's thread.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">An earlier insertion failed, or this one. Then none is executed any more.</exception>
    public void Add(Action insertion)
    {
        if (!TryStart())
        {
            insertion();
            return;
        }

        lock (_lock)
        {
            while (_waiting.Count == MostWaiting && _error is null)
                Monitor.Wait(_lock);

            ThrowError();
            _waiting.Enqueue(insertion);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Waits for all insertions. Until the next one, the connection is the caller's.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">One of them failed.</exception>
    public void Wait()
    {
        if (_thread is null)
            return;

        lock (_lock)
        {
            WaitForThread();
            ThrowError();
        }
    }

    /// <summary>Waits for all insertions. The next call throws what failed.</summary>
    public void WaitQuietly()
    {
        lock (_lock)
            WaitForThread();
    }

    /// <summary>Waits for all insertions, and ends the thread. Says nothing of errors.</summary>
    public void Dispose()
    {
        if (_thread is null)
            return;

        WaitQuietly();
        lock (_lock)
        {
            _isOver = true;
            Monitor.PulseAll(_lock);
        }

        _thread.Join();
        _thread = null;
    }

    private void WaitForThread()
    {
        while (_isRunning || _waiting.Count > 0)
            Monitor.Wait(_lock);
    }

    private void ThrowError()
    {
        if (_error is not null)
            ExceptionDispatchInfo.Throw(_error);
    }

    private bool TryStart()
    {
        if (_thread is not null || _isRefused)
            return _thread is not null;

        try
        {
            var thread = new Thread(Run) { Name = "alloctrace write", IsBackground = true };
            thread.Start();
            _thread = thread;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            _isRefused = true; // a limit on threads or memory: it goes without
        }

        return _thread is not null;
    }

    private void Run()
    {
        while (Next() is { } insertion)
        {
            try
            {
                insertion();
            }
            catch (Exception e)
            {
                lock (_lock)
                {
                    _error ??= e;
                    _waiting.Clear();
                }
            }
        }
    }

    /// <summary>Ends the insertion before and waits for the next.</summary>
    private Action? Next()
    {
        lock (_lock)
        {
            _isRunning = false;
            Monitor.PulseAll(_lock);
            while (_waiting.Count == 0 && !_isOver)
                Monitor.Wait(_lock);

            if (_waiting.Count == 0)
                return null;

            _isRunning = true;
            return _waiting.Dequeue();
        }
    }
}
