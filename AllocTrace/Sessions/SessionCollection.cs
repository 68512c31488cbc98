using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// Makes a database of sessions that were recorded without a collector, whether their processes run or have ended. A session's file is
/// removed when its process has ended and the database is complete.
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

    /// <summary>Begins to collect. Whether the database can be written is found out before.</summary>
    /// <param name="names">Session files, folders of them, or names of databases that <c>ALLOCTRACE</c> was set to.</param>
    /// <param name="path">The database; <c>%p</c> is the number of the process that was recorded first.</param>
    /// <param name="overwrite">Whether a file of that name may be replaced.</param>
    /// <param name="temporaryThreshold">See <see cref="RecordingOptions.TemporaryThreshold"/>.</param>
    /// <exception cref="IOException">
    /// A name stands for nothing, there are no sessions, or the database could not be written. The message is one line.
    /// </exception>
    /// <param name="isWatching">Whether more sessions may come, until the waiting is stopped; there need not be any yet.</param>
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
        var collector = new Collector(paths.Find, temporaryThreshold, () => TraceWriter.Create(target, overwrite));
        collector.Start();
        return new SessionCollection(paths, target, collector, isWatching);
    }

    /// <summary>Follows processes that run until they end, completes the database, and removes the sessions that are in it.</summary>
    /// <param name="stop">Ends the following: what is there is drained, and the sessions of processes that still run stay.</param>
    /// <param name="running">Called now and then with how many processes have not ended.</param>
    /// <exception cref="IOException">The database cannot be written; no session was removed. The message is one line.</exception>
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

    /// <summary>Ends the collecting. Without <see cref="Wait"/>, no session is removed.</summary>
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
