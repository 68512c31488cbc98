using AllocTrace.Objects;
using AllocTrace.Replay;
using AllocTrace.Stacks;
using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>
/// Gives the threads of a process that runs the names that they have in Python. CPython hands them to the system from 3.14 on only, the first 15 bytes of
/// them; before, a name is in a Python object. A look happens soon after a thread has begun and now and then later, so a thread that lives for less than
/// that keeps the system's name. The main thread has the system's name, too. Used by the session's collector.
/// </summary>
/// <param name="session">The session; not owned.</param>
/// <param name="process">The number that its process has here; <see langword="null"/>: it is not to be seen, and nothing is read.</param>
/// <param name="replay">Has the threads that were seen so far; not owned.</param>
internal sealed unsafe class ThreadNameReader(SessionFile session, uint? process, ProcessReplay replay)
{
    private const ulong ShortestPauseNs = 10_000_000, LongestPauseNs = 2_000_000_000;

    /// <summary>The length of pauses, at least, in multiples of the time of a look. The first one, which finds the CPythons, does not count.</summary>
    private const ulong PauseForEach = 20;

    /// <summary>Names that were read, until the replay has the thread. By number and start: a number may be another thread's later.</summary>
    private readonly Dictionary<(uint OsId, long StartedNs), string> _names = [];
    private readonly Dictionary<(uint OsId, long StartedNs), ThreadReplay> _threads = [];
    private HashSet<(uint OsId, long StartedNs)> _running = [];
    private List<PythonBuild>? _builds;
    private int _seen;
    private ulong _nextNs, _pauseNs = ShortestPauseNs;
    private bool _isForbidden;

    /// <summary>Reads the names if it is time for it.</summary>
    /// <param name="nowNs">CLOCK_MONOTONIC.</param>
    public void LookIfDue(ulong nowNs)
    {
        if (nowNs < _nextNs || process is not { } pid || _isForbidden)
            return;

        var isFirst = _builds is null;
        var running = Running();
        _pauseNs = running.IsSubsetOf(_running) ? Math.Min(2 * _pauseNs, LongestPauseNs) : ShortestPauseNs;
        _running = running;
        if (running.Count > 0)
            Look(pid);

        Apply();
        var now = LibC.MonotonicNanoseconds();
        var cost = isFirst ? 0 : Math.Min(PauseForEach * (now - nowNs), LongestPauseNs);
        _nextNs = now + Math.Max(running.Count > 0 ? _pauseNs : ShortestPauseNs, cost);
    }

    /// <summary>Gives the threads that the replay has met meanwhile the names that were read.</summary>
    public void Apply()
    {
        for (; _seen < replay.Threads.Count; _seen++)
        {
            var thread = replay.Threads[_seen];
            if (thread.Origin is null)
                _threads[(thread.OsId, thread.StartedNs)] = thread;
        }

        foreach (var (key, name) in _names)
        {
            if (!_threads.TryGetValue(key, out var thread))
                continue;

            thread.PythonName = name;
            _names.Remove(key);
        }
    }

    /// <summary>Returns the threads that run, whether the replay has met them or not: it meets one that waits with its next record.</summary>
    private HashSet<(uint OsId, long StartedNs)> Running()
    {
        var running = new HashSet<(uint, long)>();
        for (uint slot = 0; slot < session.ThreadCount; slot++)
        {
            var thread = session.Thread(slot);
            if (thread->CurrentState == ThreadSlotState.Live && thread->OsId != session.Header->Pid)
                running.Add((thread->OsId, replay.SinceStart(thread->StartedNs)));
        }

        return running;
    }

    private void Look(uint pid)
    {
        try
        {
            var image = new ProcessImage((int)pid);
            _builds ??= BuildsOf(image, pid);
            foreach (var build in _builds)
                Note(ThreadNames.Read(image, build));
        }
        catch (UnauthorizedAccessException)
        {
            _isForbidden = true;
        }
        catch (Exception e) when (e is IOException or ReadBudgetException or InvalidOperationException)
        {
            // It has ended, or Python is not there yet.
        }
    }

    private void Note(IReadOnlyDictionary<uint, string> names)
    {
        foreach (var key in _running)
        {
            if (names.TryGetValue(key.OsId, out var name))
                _names[key] = name;
        }
    }

    private static List<PythonBuild> BuildsOf(ProcessImage image, uint pid)
    {
        var builds = new List<PythonBuild>();
        foreach (var python in RemotePython.FindAll(new ProcessMemory(pid)))
        {
            if (PythonBuild.Find(image, python.Layout.Minor, python.Layout.FreeThreaded, python.Runtime, out _) is { } build)
                builds.Add(build);
        }

        return builds;
    }
}
