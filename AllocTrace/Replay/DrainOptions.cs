using AllocTrace.Events;

namespace AllocTrace.Replay;

/// <summary>Options for draining a session.</summary>
internal sealed record DrainOptions
{
    /// <summary>True if released slabs are kept in a journal, so that another collector can take over at any time.</summary>
    public bool IsJournaled { get; init; }

    /// <summary>
    /// True if an earlier collector gave slabs back and left no journal: then the rest is replayed, from where that collector came to. Otherwise
    /// all that was replayed is still there.
    /// </summary>
    public bool IsRest { get; init; } = true;

    /// <summary>
    /// True if no slab is released without a journal: the recording's own database would be in the same folder, and the records of the
    /// slabs would be lost.
    /// </summary>
    public bool NeedsJournal { get; init; }

    /// <summary>The length below which a journal is not replaced by a checkpoint, bytes; 0: each round writes one. A variable for tests of programs makes it shorter.</summary>
    public long ShortestJournal { get; init; } = long.TryParse(Environment.GetEnvironmentVariable("ALLOCTRACE_SHORTEST_JOURNAL"), out var bytes) ? bytes : 8 << 20;

    /// <summary>Returns options for one of many sessions that are followed without an end: a journal stays in shared memory as long as its session.</summary>
    public DrainOptions OfMany() => this with { ShortestJournal = Math.Min(ShortestJournal, 1 << 20) };

    /// <summary>Keeps every event that is replayed; <see langword="null"/> when no log was asked for. Not owned.</summary>
    public EventLog? Events { get; init; }
}
