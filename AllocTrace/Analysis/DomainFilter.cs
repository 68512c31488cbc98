using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Keeps or drops traces by the domain of their allocator, as <c>tracemalloc.DomainFilter</c> does.</summary>
public sealed class DomainFilter : TraceFilter
{
    private readonly DomainName _domain;

    /// <summary>Creates a filter for a domain by its number in tracemalloc.</summary>
    /// <param name="inclusive">Whether traces of the domain are kept (and others dropped), or the other way round.</param>
    /// <param name="domain">0 for all of CPython's own (<c>raw</c>, <c>mem</c>, <c>obj</c>), else what an extension gave to <c>PyTraceMalloc_Track</c>.</param>
    public DomainFilter(bool inclusive, long domain)
        : base(inclusive) => _domain = new DomainName(domain);

    /// <summary>Creates a filter for a domain by its name, which tells CPython's own apart.</summary>
    /// <param name="inclusive">Whether traces of the domain are kept (and others dropped), or the other way round.</param>
    /// <param name="domain"><c>raw</c>, <c>mem</c>, <c>obj</c>, or a number as text.</param>
    public DomainFilter(bool inclusive, string domain)
        : base(inclusive) => _domain = new DomainName(domain);

    /// <summary>The domain's name, or its number in tracemalloc.</summary>
    public string Domain => _domain.ToString();

    internal override bool MatchesDomain(TraceDomain domain) => _domain.Matches(domain);

    internal override bool[]? MatchingStacks(StackTable stacks) => null;
}
