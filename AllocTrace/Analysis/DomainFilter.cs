using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Keeps or drops traces by the domain of their allocator, as <c>tracemalloc.DomainFilter</c> does.</summary>
public sealed class DomainFilter : TraceFilter
{
    private readonly DomainName _domain;

    /// <summary>Creates a filter for a domain by its number in tracemalloc.</summary>
    /// <param name="inclusive">True to keep traces of the domain and drop others; false for the reverse.</param>
    /// <param name="domain">
    /// 0 for all of CPython's own domains (<c>raw</c>, <c>mem</c>, <c>obj</c>), otherwise the number that an extension passed to
    /// <c>PyTraceMalloc_Track</c>.
    /// </param>
    public DomainFilter(bool inclusive, long domain)
        : base(inclusive) => _domain = new DomainName(domain);

    /// <summary>Creates a filter for a domain by its name, which distinguishes CPython's own domains.</summary>
    /// <param name="inclusive">True to keep traces of the domain and drop others; false for the reverse.</param>
    /// <param name="domain">The name, as in <see cref="TraceDomain.Name"/>, or a number as text.</param>
    public DomainFilter(bool inclusive, string domain)
        : base(inclusive) => _domain = new DomainName(domain);

    /// <summary>The domain's name, or its number in tracemalloc.</summary>
    public string Domain => _domain.ToString();

    internal override bool MatchesDomain(TraceDomain domain) => _domain.Matches(domain);

    internal override bool[]? MatchingStacks(StackTable stacks) => null;
}
