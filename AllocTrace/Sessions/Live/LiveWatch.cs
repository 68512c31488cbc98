using System.Text.RegularExpressions;

using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>
/// Watches a running recording: requests databases of the live blocks (<see cref="LiveSnapshotFile"/>) from the collectors of its
/// processes, again and again. Used by one thread; several may watch one recording.
/// </summary>
internal sealed unsafe partial class LiveWatch : IDisposable
{
    private const int LookMs = 20;

    private readonly string _folder;
    private readonly string _prefix;
    private readonly Dictionary<string, (SessionFile Session, TracedProcess Process)> _sessions = [];

    private readonly HashSet<string> _over = [];

    /// <summary>By session: when the snapshot was written that was seen last.</summary>
    private readonly Dictionary<string, ulong> _seen = [];

    /// <param name="pid">One of the recorded processes; the others of the recording are watched with it.</param>
    /// <exception cref="IOException">It is not recorded, or nobody collects it. The message is one line.</exception>
    public LiveWatch(uint pid)
    {
        var path = SnapshotRequest.SessionOf(pid) ?? throw new IOException($"process {pid} is not being recorded, or its session belongs to another user");
        _folder = Path.GetDirectoryName(path)!;
        _prefix = SessionName().Match(Path.GetFileName(path)) is { Success: true } name ? name.Groups[1].Value : Path.GetFileName(path);
        Meet();
        if (!_sessions.TryGetValue(path, out var session))
            throw new IOException($"process {pid} has not allocated yet, or has ended");

        if (!ComingCollector.Await(session.Session))
        {
            Dispose();
            throw new IOException($"process {pid} has no collector at the moment: run 'alloctrace collect {path}'");
        }
    }

    /// <summary>Waits for new snapshots, one of each process that runs.</summary>
    /// <param name="timeout">The time limit. Databases that are not complete by then are left out, unless there are older ones.</param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <returns>The databases; none: the recording is over.</returns>
    public IReadOnlyList<string> Next(TimeSpan timeout, CancellationToken stop) => Next(timeout, withCourse: false, stop);

    /// <summary>Waits for one database of each process that runs, with all that is recorded so far: peak, snapshots, time slices, live blocks.</summary>
    /// <param name="timeout">The time limit. Databases that are not complete by then are left out, unless there are older ones.</param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <param name="withMemory">True if the databases have accounts of resident memory.</param>
    /// <inheritdoc cref="Next(TimeSpan, CancellationToken)"/>
    public IReadOnlyList<string> NextWithCourse(TimeSpan timeout, CancellationToken stop, bool withMemory = false) => Next(timeout, withCourse: true, stop, withMemory);

    private IReadOnlyList<string> Next(TimeSpan timeout, bool withCourse, CancellationToken stop, bool withMemory = false)
    {
        var end = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        var asked = new HashSet<string>(); // sessions that were asked for their course
        while (true)
        {
            Meet();
            var running = _sessions.Where(session => session.Value.Session.IsCollected).ToArray();
            foreach (var (path, (session, _)) in running)
            {
                if (withMemory)
                    Volatile.Write(ref session.Header->MemoryWantedNs, LibC.MonotonicNanoseconds());

                if (withCourse && asked.Add(path))
                    Volatile.Write(ref session.Header->LiveCourse, 1);

                Volatile.Write(ref session.Header->LiveWantedNs, LibC.MonotonicNanoseconds());
            }

            var isAllNew = running.All(each => IsNew(each.Key, each.Value.Session));
            if (isAllNew || stop.IsCancellationRequested || Environment.TickCount64 > end)
            {
                foreach (var (path, (session, _)) in running)
                    _seen[path] = Volatile.Read(ref session.Header->LiveWrittenNs);

                return [.. running.Select(session => LiveSnapshotFile.PathOf(session.Key)).Where(File.Exists)];
            }

            stop.WaitHandle.WaitOne(LookMs);
        }
    }

    private bool IsNew(string path, SessionFile session) =>
        Volatile.Read(ref session.Header->LiveCourse) == 0 && Volatile.Read(ref session.Header->LiveWrittenNs) > _seen.GetValueOrDefault(path);

    public void Dispose()
    {
        foreach (var (session, process) in _sessions.Values)
        {
            process.Dispose();
            session.Dispose();
        }

        _sessions.Clear();
    }

    /// <summary>Opens the sessions that came, and closes those that are over.</summary>
    private void Meet()
    {
        foreach (var path in Find().Where(path => !_sessions.ContainsKey(path) && !_over.Contains(path)))
        {
            if (TryOpen(path) is { } session)
                _sessions.Add(path, (session, new TracedProcess(session)));
        }

        foreach (var (path, (session, process)) in _sessions.ToArray())
        {
            if (GoesOn(session) && process.IsAlive() && File.Exists(path))
                continue;

            process.Dispose();
            session.Dispose();
            _sessions.Remove(path);
            _over.Add(path);
        }
    }

    /// <summary>A process that became another program has another session: the collector is done with this one.</summary>
    private static bool GoesOn(SessionFile session) =>
        (SessionPhase)Volatile.Read(ref session.Header->Phase) is not (SessionPhase.Ended or SessionPhase.Stopped) && Volatile.Read(ref session.Header->CollectorDone) == 0;

    /// <summary>None when the recording is over, and its folder removed.</summary>
    private string[] Find() => FolderFiles.Of(_folder, _prefix, SessionFolder.SessionSuffix);

    private static SessionFile? TryOpen(string path)
    {
        try
        {
            return SessionFile.TryOpen(path, shared: true);
        }
        catch (Exception e) when (e is IOException or InvalidTraceException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"^(.*?)\d+-[0-9a-f]{16}\.alloctrace$")]
    private static partial Regex SessionName();
}
