using AllocTrace.Wire;

namespace AllocTrace.Report.Export.Otlp;

/// <summary>A type of samples: its name and unit, and its value of a sample.</summary>
/// <param name="Name">The name of the type.</param>
/// <param name="Unit">The unit of its values.</param>
/// <param name="Of">Its value of a sample.</param>
/// <param name="OfSpan">Its value of what a span allocated; <see langword="null"/> if the value of a sample is not divided among spans.</param>
internal sealed record OtlpMeasure(string Name, string Unit, Func<OtlpSample, long> Of, Func<MemoryAmount, long>? OfSpan = null)
{
    /// <summary>
    /// The measures of a recording: the amounts allocated in a period, and those live at its end, by the names of Go's heap profiles.
    /// </summary>
    public static IReadOnlyList<OtlpMeasure> Recorded { get; } =
    [
        new("alloc_objects", "count", sample => sample.Allocated.Blocks, span => span.Blocks),
        new("alloc_space", "bytes", sample => sample.Allocated.Bytes, span => span.Bytes),
        new("inuse_objects", "count", sample => sample.Alive.Blocks),
        new("inuse_space", "bytes", sample => sample.Alive.Bytes),
    ];

    /// <summary>The measures of an agent, which also has the amounts freed in a period.</summary>
    public static IReadOnlyList<OtlpMeasure> Followed { get; } =
    [
        .. Recorded,
        new("free_objects", "count", sample => sample.Freed.Blocks),
        new("free_space", "bytes", sample => sample.Freed.Bytes),
    ];
}

/// <summary>The amounts of one stack in a period.</summary>
/// <param name="Stack">A stack of the <see cref="IFrameSource"/>.</param>
/// <param name="Attributes">Indices of the <see cref="OtlpDictionary"/>.</param>
/// <param name="Allocated">The amount allocated in the period.</param>
/// <param name="Freed">The amount freed in the period.</param>
/// <param name="Alive">The amount that is live at its end.</param>
internal readonly record struct OtlpSample(int Stack, int[] Attributes, MemoryAmount Allocated, MemoryAmount Freed, MemoryAmount Alive)
{
    /// <summary>The parts of <see cref="Allocated"/> that were allocated for spans; <see langword="null"/> if there are none.</summary>
    public IReadOnlyDictionary<SpanContext, MemoryAmount>? Spans { get; init; }
}
