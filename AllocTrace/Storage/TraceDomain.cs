namespace AllocTrace.Storage;

/// <summary>An allocator domain: a row of the table <c>domain</c>.</summary>
/// <param name="Id">The number of the domain in the database: 0 raw, 1 mem, 2 obj, others by order of appearance.</param>
/// <param name="Name">
/// <c>raw</c>, <c>mem</c>, <c>obj</c>; <c>malloc</c> and <c>mmap</c> with the option <c>native</c>; <c>numpy</c>, <c>pandas</c>, or the number that another
/// extension gave to <c>PyTraceMalloc_Track</c>.
/// </param>
public sealed record TraceDomain(long Id, string Name)
{
    /// <summary>
    /// The number of the domain in tracemalloc: 0 for all of CPython's own domains. Domains that tracemalloc does not know have a number
    /// that no extension uses.
    /// </summary>
    public long Number => KnownDomain.NumberOf(Name);
}
