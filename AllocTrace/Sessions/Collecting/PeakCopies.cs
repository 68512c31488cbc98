namespace AllocTrace.Sessions;

/// <summary>
/// Chooses when a copy of a process near its high-water mark is worth what it costs. Each copy is of a tenth more than the one before, so there are about 25 for
/// each tenfold growth, and pauses take at most two percent of the time.
/// </summary>
internal sealed class PeakCopies
{
    /// <summary>The name of the snapshot (ALLOCTRACE_NEAR_PEAK).</summary>
    public const string Name = "near-peak";

    private const double LeastGrowth = 1.1;
    private const long LeastBytes = 1 << 20, LeastGapMs = 100, GapOfPause = 50;

    private long _gapMs = LeastGapMs, _notBeforeMs;

    /// <summary>The live bytes of the last copy that is kept.</summary>
    public long Level { get; private set; }

    /// <summary>Returns whether a copy is to be made.</summary>
    /// <param name="live">Live bytes now.</param>
    /// <param name="nowMs">The time.</param>
    public bool IsDue(long live, long nowMs) => nowMs >= _notBeforeMs && live >= Math.Max(Level * LeastGrowth, Level + LeastBytes);

    /// <summary>Notes a copy.</summary>
    /// <param name="live">Its live bytes.</param>
    /// <param name="pauseNs">The time for which it held up the process.</param>
    /// <returns>True if it is nearer to the high-water mark than the one before.</returns>
    public bool Keep(long live, long pauseNs)
    {
        _gapMs = Math.Max(LeastGapMs, GapOfPause * pauseNs / 1_000_000);
        if (live <= Level)
            return false;

        Level = live;
        return true;
    }

    /// <summary>Notes that a copy was read, or that there is none.</summary>
    /// <param name="nowMs">The time.</param>
    /// <param name="tookMs">The duration of the reading. The collector rests for half of that.</param>
    public void Rest(long nowMs, long tookMs) => _notBeforeMs = nowMs + Math.Max(_gapMs, tookMs / 2);
}
