using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// The database that a collector writes, begun when there is something to write. The sessions that it holds stay until it is whole. With very many
/// processes they would fill the memory: then the database is made whole meanwhile. The caller holds the collector's lock.
/// </summary>
/// <param name="createWriter">Begins the database, with the stacks that were written before if there are any.</param>
internal sealed class CollectedDatabase(Func<EarlyStacks?, TraceWriter> createWriter) : IDisposable
{
    private readonly CollectedSessions _collected = new();
    private readonly List<string> _problems = [];
    private TraceWriter? _writer;
    private EarlyStacks? _early;
    private bool _isWithoutEarly;
    private volatile IOException? _failure;

    /// <summary>The bytes of sessions from which on the database is made whole meanwhile, if they are more than its own.</summary>
    public long MostRetainedBytes { get; set; } = 256 << 20;

    /// <summary>The number of sites from which on a session's stacks are written while it grows. A variable for tests of programs makes it smaller.</summary>
    public uint EarlySites { get; set; } = uint.TryParse(Environment.GetEnvironmentVariable("ALLOCTRACE_EARLY_SITES"), out var sites) ? sites : 20_000;

    /// <summary>The reason for which there will be no database, or <see langword="null"/>. May be read without the lock.</summary>
    public IOException? Failure
    {
        get => _failure;
        set => _failure = value;
    }

    /// <summary>True if there is something in it.</summary>
    public bool Exists => _writer is not null;

    /// <summary>The number of processes in it.</summary>
    public int ProcessCount => _writer?.ProcessCount ?? 0;

    /// <summary>The problems with single sessions, one line each.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>True if a problem is that a file is damaged, or no session at all.</summary>
    public bool HasDamage { get; private set; }

    /// <summary>The session files whose last record is in it, or that had none.</summary>
    public IReadOnlyList<string> Collected => _collected.Paths;

    public void AddProblem(Exception problem)
    {
        _problems.Add(problem.Message);
        HasDamage |= problem is InvalidTraceException;
    }

    /// <summary>Adds a finished session. If it can be removed later, it is retained until the database is whole.</summary>
    public void Add(FollowedSession session, ProcessEnding ending)
    {
        if (session.Damage is { } damage)
            AddProblem(damage);

        if (Write(session, ending) && session.Damage is null && ending != ProcessEnding.Running)
            Retain(session);
    }

    /// <summary>
    /// Writes some of the stacks of a session that grows, so that there is less to write at the end. A damaged session is read on, and reported at its end.
    /// Stacks that could not be written here are written with their process.
    /// </summary>
    /// <param name="session">The session, claimed.</param>
    /// <param name="shares">See <see cref="GrowingStacks.Write"/>.</param>
    public void AddStacks(FollowedSession session, uint shares)
    {
        if (_failure is not null || !session.IsReady || session.Replay.Sites.End < EarlySites)
            return;

        try
        {
            if (_writer is not null)
                session.Stacks.Write(_writer.AddStacks, shares);
            else if (Early() is { } early)
                session.Stacks.Write((file, nodes) => KeepEarly(early.TryAdd(file, nodes)), shares);
        }
        catch (IOException e)
        {
            _failure = e;
        }
    }

    /// <summary>Gives it its name with what is in it so far, and removes the sessions that it holds. More can be added afterwards.</summary>
    /// <exception cref="IOException">It cannot be written. The message is one line.</exception>
    public void Publish()
    {
        Finish(writer => writer.Publish());
        RemoveCollected();
    }

    /// <summary>Gives the database its name. Nothing is added afterwards.</summary>
    /// <exception cref="IOException">It cannot be written. The message is one line.</exception>
    public void Complete() => Finish(writer => writer.Complete());

    /// <summary>Removes the sessions that it holds.</summary>
    public void RemoveCollected() => _collected.RemoveAll();

    public void Dispose()
    {
        _writer?.Dispose();
        _early?.Dispose();
    }

    /// <summary>The stacks before there is a database; <see langword="null"/> if they cannot be written.</summary>
    private EarlyStacks? Early()
    {
        if (_early is null && !_isWithoutEarly)
            KeepEarly((_early = EarlyStacks.TryBegin()) is not null);

        return _early;
    }

    private void KeepEarly(bool isUsable)
    {
        if (isUsable)
            return;

        _isWithoutEarly = true;
        _early?.Dispose();
        _early = null;
    }

    private void Finish(Action<TraceWriter> finish)
    {
        if (_failure is not null)
            throw _failure;

        try
        {
            if (_writer is not null)
                finish(_writer);
        }
        catch (IOException e)
        {
            _failure = e;
            throw;
        }
    }

    /// <returns>True if the database has it now, or there was nothing to write.</returns>
    private bool Write(FollowedSession session, ProcessEnding ending)
    {
        if (session.Replay.IsEmpty || _failure is not null)
            return _failure is null;

        try
        {
            Begin();
            session.WriteTo(_writer!, ending);
            return true;
        }
        catch (InvalidTraceException e)
        {
            AddProblem(e);
        }
        catch (IOException e)
        {
            _failure = e;
        }

        return false;
    }

    private void Begin()
    {
        if (_writer is not null)
            return;

        try
        {
            _writer = createWriter(_early);
        }
        finally
        {
            _early?.Dispose();
            _early = null;
        }
    }

    private void Retain(FollowedSession session)
    {
        _collected.Add(session);
        if (_collected.Bytes < Math.Max(MostRetainedBytes, _writer?.Bytes ?? 0))
            return;

        try
        {
            _writer?.Publish();
            _collected.RemoveFinished();
        }
        catch (IOException e)
        {
            _failure = e;
        }
    }
}
