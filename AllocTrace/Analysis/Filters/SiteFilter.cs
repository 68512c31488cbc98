using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Combines several filters, by stack and domain.</summary>
internal sealed class SiteFilter
{
    private readonly Part[] _inclusive;
    private readonly Part[] _exclusive;

    public SiteFilter(TraceDatabase database, IReadOnlyCollection<TraceFilter> filters)
    {
        var parts = filters.ToLookup(filter => filter.Inclusive, filter => new Part(
            filter.MatchingStacks(database.Stacks),
            [.. database.Domains.Select(filter.MatchesDomain)]));
        _inclusive = [.. parts[true]];
        _exclusive = [.. parts[false]];
    }

    public bool Passes(in Site site)
    {
        var passes = _inclusive.Length == 0;
        foreach (var part in _inclusive)
            passes |= part.Matches(site);
        foreach (var part in _exclusive)
            passes &= !part.Matches(site);

        return passes;
    }

    private readonly record struct Part(bool[]? Stacks, bool[] Domains)
    {
        public bool Matches(in Site site) => Domains[site.Domain] && (Stacks is null || Stacks[site.Stack]);
    }
}
