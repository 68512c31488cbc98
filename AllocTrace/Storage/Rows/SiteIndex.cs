namespace AllocTrace.Storage;

/// <summary>Holds the sites in columns, for lookups by number. The bytes and blocks are what a fork inherited.</summary>
/// <param name="Ids">Their numbers in the database, ascending.</param>
/// <param name="Sites">The sites, in the same order.</param>
internal sealed record SiteIndex(long[] Ids, Site[] Sites)
{
    /// <summary>The index of a site, or a negative number.</summary>
    public int IndexOf(long id) => AscendingIds.Find(Ids, id);
}
