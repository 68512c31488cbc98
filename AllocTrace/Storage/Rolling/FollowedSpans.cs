using AllocTrace.Replay;
using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>Counts of a process's samples since its recording began.</summary>
/// <param name="Samples">Samples with a span.</param>
/// <param name="NotKept">Samples with a span that count for none.</param>
/// <param name="Unread">Samples of threads whose context could not be read.</param>
internal readonly record struct SpanCounts(long Samples, long NotKept, long Unread)
{
    /// <summary>Returns the growth since earlier counts; none if sums of a collector before are gone.</summary>
    public SpanCounts Since(SpanCounts earlier) => new(Math.Max(0, Samples - earlier.Samples), Math.Max(0, NotKept - earlier.NotKept), Math.Max(0, Unread - earlier.Unread));
}

/// <summary>
/// The spans for which a followed process allocated in the period that is not committed yet. The replay gives each sum once. Used by one thread at a time.
/// </summary>
/// <param name="committed">The counts that an earlier agent committed.</param>
/// <param name="isResumed">True if an earlier agent followed the process: the replay repeats what that one had committed.</param>
internal sealed class FollowedSpans(SpanCounts committed, bool isResumed)
{
    private readonly Dictionary<(int Site, SpanContext Span), SpanAmount> _period = [];
    private readonly Dictionary<(int Site, SpanContext Span), SpanAmount> _next = [];
    private long _notKept = committed.NotKept;
    private long _notKeptByReplay;
    private bool _repeats = isResumed;
    private SpanCounts _written = committed;

    /// <summary>The counts now.</summary>
    public SpanCounts Latest { get; private set; } = committed;

    /// <summary>The counts that are in the database.</summary>
    public SpanCounts Committed { get; private set; } = committed;

    /// <summary>Takes the sums of a replay since the last time.</summary>
    /// <param name="sums">The sums.</param>
    /// <param name="numbers">The number in the process of each of its sites.</param>
    /// <param name="unread">See <see cref="SpanCounts.Unread"/>.</param>
    /// <remarks>
    /// After a restart, committed and uncommitted sums cannot be told apart. The span of the latter is given up, which is one period at most; their bytes
    /// count like all others.
    /// </remarks>
    public void Take(SpanSums sums, IReadOnlyList<int> numbers, long unread)
    {
        var taken = sums.Take();
        if (_repeats)
        {
            _notKept += Math.Max(0, sums.Samples - Committed.Samples);
        }
        else
        {
            _notKept += sums.NotKept - _notKeptByReplay;
            foreach (var ((_, site, span), amount) in taken)
                Add(_next, (numbers[(int)site - 1], span), amount);
        }

        (_repeats, _notKeptByReplay) = (false, sums.NotKept);
        Latest = new SpanCounts(sums.Samples, _notKept, unread);
    }

    /// <summary>Returns what the period up to now has, also what could not be written before.</summary>
    public IReadOnlyDictionary<(int Site, SpanContext Span), SpanAmount> Period()
    {
        foreach (var (key, amount) in _next)
            Add(_period, key, amount);

        _next.Clear();
        Latest = Latest with { NotKept = _notKept };
        return _period;
    }

    /// <summary>The period is in the current transaction. More may be taken before that is committed.</summary>
    public void NoteWritten() => _written = Latest;

    /// <summary>The period is in the database.</summary>
    public void Commit()
    {
        _period.Clear();
        Committed = _written;
    }

    private void Add(Dictionary<(int Site, SpanContext Span), SpanAmount> sums, (int Site, SpanContext Span) key, SpanAmount amount)
    {
        if (!SpanSums.TryAdd(sums, key, amount))
            _notKept += amount.Samples;
    }
}
