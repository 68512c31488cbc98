using AllocTrace.Wire;

namespace AllocTrace.Report.Export.Otlp;

/// <summary>Sums what samples allocated for spans.</summary>
/// <typeparam name="TKey">Identifies a sample.</typeparam>
internal sealed class OtlpSpans<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, Dictionary<SpanContext, MemoryAmount>> _sums = [];

    /// <summary>Adds an amount that a sample allocated for a span.</summary>
    public void Add(TKey sample, SpanContext span, MemoryAmount allocated)
    {
        if (!_sums.TryGetValue(sample, out var sums))
            _sums.Add(sample, sums = []);

        sums[span] = sums.GetValueOrDefault(span) + allocated;
    }

    /// <summary>Returns the spans of a sample; <see langword="null"/> if it has none.</summary>
    public IReadOnlyDictionary<SpanContext, MemoryAmount>? Of(TKey sample) => _sums.GetValueOrDefault(sample);
}
