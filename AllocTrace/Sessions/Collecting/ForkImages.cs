using AllocTrace.Replay;

namespace AllocTrace.Sessions;

/// <summary>
/// Keeps the live blocks at forks until the children are found. Many children never are, because they execute another program at once: old
/// images are dropped when many newer ones exist, because a running child appears with its first allocation. Used by several threads.
/// </summary>
internal sealed class ForkImages : IDisposable
{
    /// <summary>The number of images that are always kept; more while they are young, and small together.</summary>
    private const int Few = 32, YoungMs = 10_000, MostSites = 2_000_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(uint Pid, ulong Number), ForkImage> _images = [];
    private readonly Queue<(uint Pid, ulong Number, long AtMs, int Sites)> _oldest = [];
    private long _sites;

    public void Add(uint parentPid, ForkImage image)
    {
        lock (_lock)
        {
            _images[(parentPid, image.Number)] = image;
            var now = Environment.TickCount64;
            _oldest.Enqueue((parentPid, image.Number, now, image.Sites.Length));
            _sites += image.Sites.Length;
            while (_oldest.Count > Few && (_sites > MostSites || now - _oldest.Peek().AtMs > YoungMs))
            {
                var (pid, number, _, sites) = _oldest.Dequeue();
                _sites -= sites;
                if (_images.Remove((pid, number), out var forgotten))
                    forgotten.Dispose();
            }
        }
    }

    /// <summary>Takes an image out; the caller owns it then.</summary>
    public ForkImage? Take(uint parentPid, ulong number)
    {
        lock (_lock)
            return _images.Remove((parentPid, number), out var image) ? image : null;
    }

    public void Dispose()
    {
        foreach (var image in _images.Values)
            image.Dispose();
    }
}
