using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The variance of each part of a <see cref="Usage"/> when allocations were sampled.</summary>
internal readonly record struct UsageVariance(Variance Allocated, Variance Freed, Variance Temporary, Variance Peak, Variance Live)
{
    /// <summary>The errors, in the places of what they belong to.</summary>
    public Usage Error => new(Allocated.Error, Freed.Error, Temporary.Error, Peak.Error, Live.Error);

    public static UsageVariance operator +(UsageVariance a, UsageVariance b) =>
        new(a.Allocated + b.Allocated, a.Freed + b.Freed, a.Temporary + b.Temporary, a.Peak + b.Peak, a.Live + b.Live);

    public static UsageVariance Of(in SiteCounters site, TraceProcess process) => new(
        Variance.Of(site.Allocated, process), Variance.Of(site.Freed, process), Variance.Of(site.Temporary, process), Variance.Of(site.Peak, process), Variance.Of(site.Live, process));
}
