using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>The key of what a site allocated for a span.</summary>
/// <param name="Slice">The slice of time.</param>
/// <param name="Site">The site.</param>
/// <param name="Span">The span for which its thread worked.</param>
internal readonly record struct SpanSite(int Slice, uint Site, SpanContext Span);

/// <summary>An amount that samples stand for.</summary>
/// <param name="Samples">The number of samples.</param>
/// <param name="Allocated">The amount allocated.</param>
internal readonly record struct SpanAmount(long Samples, MemoryAmount Allocated)
{
    public static SpanAmount operator +(SpanAmount a, SpanAmount b) => new(a.Samples + b.Samples, a.Allocated + b.Allocated);
}

/// <summary>
/// Sums what samples allocated for spans. Programs make new spans without end, so the number of sums is limited: what comes later is counted, and not kept.
/// </summary>
internal sealed class SpanSums
{
    /// <summary>The largest number of sums, some 6 MB.</summary>
    public const int MostSums = 1 << 16;

    private Dictionary<SpanSite, SpanAmount> _sums = [];

    /// <summary>The sums.</summary>
    public IReadOnlyDictionary<SpanSite, SpanAmount> All => _sums;

    /// <summary>The number of samples with a span so far, also of those that are not kept.</summary>
    public long Samples { get; private set; }

    /// <summary>The number of samples whose span is not kept.</summary>
    public long NotKept { get; private set; }

    /// <summary>Adds a sample.</summary>
    public void Add(SpanSite key, MemoryAmount allocated)
    {
        Samples++;
        if (!TryAdd(_sums, key, new SpanAmount(1, allocated)))
            NotKept++;
    }

    /// <summary>Adds to a sum, or begins one unless there are too many.</summary>
    /// <returns>False if it is not kept.</returns>
    public static bool TryAdd<TKey>(Dictionary<TKey, SpanAmount> sums, TKey key, SpanAmount amount)
        where TKey : notnull
    {
        if (sums.TryGetValue(key, out var sum))
            sums[key] = sum + amount;
        else if (sums.Count < MostSums)
            sums.Add(key, amount);
        else
            return false;

        return true;
    }

    /// <summary>Returns the sums since the last call, and begins anew.</summary>
    public IReadOnlyDictionary<SpanSite, SpanAmount> Take()
    {
        if (_sums.Count == 0)
            return _sums;

        var taken = _sums;
        _sums = [];
        return taken;
    }

    /// <summary>Merges each two slices into one of double width.</summary>
    public void DoubleWidth()
    {
        foreach (var (key, amount) in Take())
            TryAdd(_sums, key with { Slice = key.Slice / 2 }, amount);
    }

    public void Save(BinaryWriter writer)
    {
        writer.WriteAll<long>([Samples, NotKept]);
        writer.WriteAll<KeyValuePair<SpanSite, SpanAmount>>([.. _sums]);
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader, uint siteEnd)
    {
        if (reader.ReadAll<long>() is not [var samples, var notKept] || notKept < 0 || samples < notKept)
            return false;

        (Samples, NotKept) = (samples, notKept);
        foreach (var (key, amount) in reader.ReadAll<KeyValuePair<SpanSite, SpanAmount>>())
        {
            if (key.Site == 0 || key.Site >= siteEnd || key.Slice is < 0 or >= Timeline.MaxSlices || key.Span.IsNone || !TryAdd(_sums, key, amount))
                return false;
        }

        return true;
    }
}
