namespace AllocTrace.Storage;

/// <summary>Places that allocate with one measure (bytes and blocks) each, in the order of the database.</summary>
/// <param name="room">The number of sites for which there is room at first.</param>
internal sealed class SiteTable(int room = 0)
{
    private Site[] _sites = new Site[room];

    public int Count { get; private set; }

    public ReadOnlySpan<Site> Sites => _sites.AsSpan(0, Count);

    public void Add(in Site site)
    {
        if (Count == _sites.Length)
            Array.Resize(ref _sites, Math.Max(1024, 2 * Count));

        _sites[Count++] = site;
    }
}
