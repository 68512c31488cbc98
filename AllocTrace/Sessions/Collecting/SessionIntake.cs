using System.Collections.Concurrent;

namespace AllocTrace.Sessions;

/// <summary>
/// Finds the sessions that appear and opens each once, as many at a time as this process has descriptors and memory for. One thread calls the
/// method at a time; the properties of collections are read when no thread does.
/// </summary>
/// <param name="paths">Names the session files that there are now; asked again and again.</param>
/// <param name="open">Opens a session; returns <see langword="null"/> if it is not complete yet.</param>
/// <param name="addProblem">Called for files that cannot be opened.</param>
internal sealed class SessionIntake(Func<IEnumerable<string>> paths, Func<string, FollowedSession?> open, Action<Exception> addProblem)
{
    /// <summary>A session takes up to five descriptors: the file's, two of its journal, its process's. Some are for the database.</summary>
    private readonly int _mostOpen = (int)Math.Max(4, (LibC.DescriptorLimit() - 128) / 5);

    private readonly HashSet<string> _seen = [], _unmade = [], _postponed = [];
    private readonly ConcurrentQueue<string> _removed = [];
    private volatile bool _isShort;

    /// <summary>
    /// True if some sessions can be opened only after others are closed, for lack of descriptors or memory. Any thread may read it.
    /// </summary>
    public bool IsShort => _isShort;

    /// <summary>All files that were opened, or cannot be.</summary>
    public IReadOnlyCollection<string> Seen => _seen;

    /// <summary>Files that are no session yet: their process has not finished making them, or died meanwhile.</summary>
    public IReadOnlyCollection<string> Unmade => _unmade;

    /// <summary>Files that were not opened yet because there were too many.</summary>
    public IReadOnlyCollection<string> Postponed => _postponed;

    /// <summary>A file was removed, and its name will not come again. By any thread.</summary>
    public void Forget(string path) => _removed.Enqueue(path);

    /// <summary>Opens the sessions that appeared.</summary>
    /// <param name="others">The open ones. Each learns of each new one before that is served: a child never without its parent.</param>
    public List<FollowedSession> OpenNew(IReadOnlyCollection<FollowedSession> others)
    {
        while (_removed.TryDequeue(out var removed))
            _seen.Remove(removed);

        var opened = new List<FollowedSession>();
        var isShort = false;
        foreach (var path in paths())
        {
            if (_seen.Contains(path))
                continue;

            isShort = others.Count + opened.Count >= _mostOpen;
            if (isShort)
            {
                _postponed.Add(path);
                break;
            }

            try
            {
                if (open(path) is not { } session)
                {
                    _unmade.Add(path);
                    continue;
                }

                foreach (var other in others.Concat(opened))
                    other.NoteOther(session);

                opened.Add(session);
            }
            catch (IOException e) when (e.HResult is LibC.EMFile or LibC.ENFile or LibC.ENoMem && others.Count + opened.Count > 0)
            {
                isShort = true;
                _postponed.Add(path);
                break;
            }
            catch (Exception e) when (e is InvalidTraceException or IOException or UnauthorizedAccessException)
            {
                addProblem(e);
            }

            _seen.Add(path);
            _unmade.Remove(path);
            _postponed.Remove(path);
        }

        _isShort = isShort;
        return opened;
    }
}
