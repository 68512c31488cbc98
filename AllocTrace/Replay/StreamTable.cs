namespace AllocTrace.Replay;

/// <summary>The streams of a session's threads. Used by one thread.</summary>
internal sealed class StreamTable
{
    private readonly List<ThreadStream?> _bySlot = [];

    /// <summary>Streams of threads that ended under an earlier collector, until they are replayed.</summary>
    public List<ThreadStream> Archived { get; } = [];

    /// <summary>Streams of threads that have a slot in the session.</summary>
    public IEnumerable<ThreadStream> Present => _bySlot.OfType<ThreadStream>();

    /// <summary>Gets or sets the stream of the thread that has a slot now; <see langword="null"/> for a slot that none has.</summary>
    public ThreadStream? this[uint slot]
    {
        get => slot < _bySlot.Count ? _bySlot[(int)slot] : null;
        set
        {
            while (slot >= _bySlot.Count)
                _bySlot.Add(null);

            _bySlot[(int)slot] = value;
        }
    }

    /// <summary>Forgets the streams that have a slot.</summary>
    public void ClearPresent() => _bySlot.Clear();
}
