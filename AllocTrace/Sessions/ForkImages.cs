using AllocTrace.Replay;

namespace AllocTrace.Sessions;

/// <summary>
/// What was alive at forks whose children have not been met yet. Many children never are, since they become other programs at once: only the
/// last images are kept. Used by several threads.
/// </summary>
internal sealed class ForkImages : IDisposable
{
    private const int Most = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<(uint Pid, ulong Number), ForkImage> _images = [];
    private readonly Queue<(uint Pid, ulong Number)> _oldest = [];

    public void Add(uint parentPid, ForkImage image)
    {
        lock (_lock)
        {
            _images[(parentPid, image.Number)] = image;
            _oldest.Enqueue((parentPid, image.Number));
            while (_oldest.Count > Most)
            {
                if (_images.Remove(_oldest.Dequeue(), out var forgotten))
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
