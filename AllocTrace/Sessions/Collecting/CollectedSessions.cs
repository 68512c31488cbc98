namespace AllocTrace.Sessions;

/// <summary>
/// Session files whose records are in the database. They stay until it is whole: until then another collector could begin again. The methods
/// are called by one thread at a time.
/// </summary>
internal sealed class CollectedSessions
{
    private readonly List<string> _paths = [];
    private readonly HashSet<string> _origins = [];

    /// <summary>The files.</summary>
    public IReadOnlyList<string> Paths => _paths;

    /// <summary>The number of bytes that <see cref="RemoveFinished"/> would free.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes a session whose last record was written.</summary>
    public void Add(FollowedSession session)
    {
        _paths.Add(session.Path);
        if (session.HasForked)
            _origins.Add(session.Path); // with the names of what its children inherited
        else
            Bytes += session.Bytes;
    }

    /// <summary>The database is whole, and more comes: removes the files that nothing to come may refer to.</summary>
    public void RemoveFinished()
    {
        _paths.RemoveAll(file => !_origins.Contains(file) && SessionPaths.TryRemove(file));
        Bytes = 0;
    }

    /// <summary>The database is whole, and nothing comes: removes all files.</summary>
    public void RemoveAll()
    {
        foreach (var file in _paths)
            SessionPaths.Remove(file);

        _paths.Clear();
        _origins.Clear();
        Bytes = 0;
    }
}
