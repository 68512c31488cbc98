using AllocTrace.Objects;
using AllocTrace.Replay;

namespace AllocTrace.Sessions;

/// <summary>A thread that reads the objects of one snapshot.</summary>
internal sealed class ObjectReader
{
    private readonly Thread _thread;

    /// <param name="live">The blocks; owned.</param>
    /// <param name="read">Reads them.</param>
    public ObjectReader(LiveBlocks live, Func<ObjectContents> read)
    {
        Snapshot = live.Snapshot;
        _thread = new Thread(() =>
        {
            using (live)
                Run(read);
        })
        { IsBackground = true, Name = "alloctrace objects" };
        _thread.Start();
    }

    public SnapshotImage Snapshot { get; }

    /// <summary>True when it has ended: then the other members say how.</summary>
    public bool IsDone => !_thread.IsAlive;

    /// <summary>The types and holders; <see langword="null"/> if they could not be read, for the reason in <see cref="Problem"/>.</summary>
    public ObjectContents? Result { get; private set; }

    /// <summary>One line.</summary>
    public string Problem { get; private set; } = "";

    private void Run(Func<ObjectContents> read)
    {
        try
        {
            Result = read();
        }
        catch (Exception e) // this may be a thread of a host, which must not die of it; and what is read is not trusted
        {
            Problem = e is IOException or UnauthorizedAccessException ? e.Message : $"internal error: {e.GetType().Name}: {e.Message}";
        }
    }
}
