using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// Collects sessions that were recorded without a collector into one database. Their processes may run or have ended. A session's file is
/// removed when its process has ended and the database is complete. An instance must not be used by several threads at the same time.
/// </summary>
public sealed class SessionCollection : IDisposable
{
    private readonly OutputFile _target;
    private readonly Collector _collector;

    private readonly SessionPaths _paths;
    private readonly bool _isWatching;

    private SessionCollection(SessionPaths paths, OutputFile target, Collector collector, bool isWatching)
    {
        _paths = paths;
        _isWatching = isWatching;
        _target = target;
        _collector = collector;
    }

    /// <summary>Begins to collect, after a check that the database can be written.</summary>
    /// <param name="names">Session files, folders of sessions, or names of databases to which <c>ALLOCTRACE</c> was set.</param>
    /// <param name="path">The path of the database; <c>%p</c> stands for the id of the process that was recorded first.</param>
    /// <param name="overwrite">True to replace an existing file when the database is complete.</param>
    /// <param name="temporaryThreshold">The threshold of temporary blocks, see <see cref="RecordingOptions.TemporaryThreshold"/>.</param>
    /// <param name="isWatching">
    /// True to collect sessions that appear later too, until <see cref="Wait"/> is stopped; there need not be any yet.
    /// </param>
    /// <returns>The collection, which the caller disposes of.</returns>
    /// <exception cref="IOException">
    /// A name is neither a session, a folder nor a prefix of sessions, there are no sessions, or the database cannot be written. The
    /// message is one line.
    /// </exception>
    public static SessionCollection Start(
        IReadOnlyList<string> names, string path, bool overwrite, int temporaryThreshold, bool isWatching = false)
    {
        var paths = new SessionPaths(names);
        var found = paths.Find().ToArray();
        if (found.Length == 0 && !isWatching)
            throw new IOException($"nothing to collect: no sessions (*{SessionFolder.SessionSuffix}) in {string.Join(", ", names)}");

        if (path.Contains("%p", StringComparison.Ordinal))
        {
            var first = found.Select(SessionSurvey.TryRead).OfType<SessionSurvey>().MinBy(session => session.StartedNs);
            path = path.Replace("%p", (first?.Pid ?? 0).ToString(), StringComparison.Ordinal);
        }

        var target = new OutputFile(path);
        TraceWriter.CheckTarget(target, overwrite);
        var collector = new Collector(paths.Find, temporaryThreshold, early => TraceWriter.Create(target, overwrite, early));
        collector.Start();
        return new SessionCollection(paths, target, collector, isWatching);
    }

    /// <summary>Blocks until the processes have ended, completes the database, and removes the sessions that are in it.</summary>
    /// <param name="stop">
    /// Ends the waiting. The database then has everything recorded so far, and the sessions of running processes stay.
    /// </param>
    /// <param name="running">Called now and then by this thread, with the number of processes that still run.</param>
    /// <returns>The database and the problems.</returns>
    /// <exception cref="IOException">The database cannot be written. No session was removed. The message is one line.</exception>
    public CollectionResult Wait(CancellationToken stop, Action<int>? running = null)
    {
        _collector.WaitForProcesses(running, stop, _isWatching);
        var problems = new List<string>();
        bool hasDatabase;
        try
        {
            hasDatabase = _collector.Complete();
        }
        catch (IOException e)
        {
            throw new IOException($"{e.Message}; no session was removed", e);
        }

        problems.AddRange(_collector.Problems);
        problems.AddRange(_collector.Unmade.Select(file => $"{file}: not a session, or its process died before the session was complete"));
        foreach (var file in _collector.Collected)
        {
            if (Remove(file) is { } problem)
                problems.Add(problem);
        }

        _paths.RemoveLeft();
        return new CollectionResult(
            hasDatabase ? _target.Path : null,
            _collector.ProcessCount,
            _collector.Running,
            [.. problems.Select(_paths.Shown)],
            _collector.HasDamage || _collector.Unmade.Count > 0);
    }

    /// <summary>Stops the collector. Without a call of <see cref="Wait"/>, no session is removed.</summary>
    public void Dispose()
    {
        _collector.Dispose();
        _target.Dispose();
    }

    private static string? Remove(string file)
    {
        try
        {
            SessionPaths.Remove(file);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{file}: collected, but the session cannot be removed: {e.Message}";
        }
    }
}
