using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// The live blocks of a process at one moment, with the site of each. Shares memory with the replay until that changes it. May be read by another thread
/// than the replay's.
/// </summary>
/// <param name="snapshot">The sums of the same moment.</param>
/// <param name="tables">By domain; raw, mem, obj and malloc have one.</param>
/// <param name="domainOfSite">The domain of each site of the replay.</param>
internal sealed class LiveBlocks(SnapshotImage snapshot, AddressTable?[] tables, byte[] domainOfSite) : IDisposable
{
    public SnapshotImage Snapshot => snapshot;

    /// <summary>The number of blocks.</summary>
    public long Count => tables.Distinct().Sum(table => table?.BlockCount ?? 0);

    /// <summary>Returns the domain that a site allocates in.</summary>
    public byte DomainOf(uint site) => domainOfSite[site];

    /// <summary>Calls <paramref name="visit"/> with the address and the block of each, in ascending order within each table.</summary>
    public void ForEach(Action<ulong, LiveBlock> visit)
    {
        for (var domain = 0; domain < tables.Length; domain++)
        {
            if (Array.IndexOf(tables, tables[domain]) < domain)
                continue; // seen: it has the blocks of several domains

            if (domain != WireFormat.OtherDomains)
                tables[domain]?.ForEach(visit);
            else
                tables[domain]?.ForEach((address, block) => visit(address & ((1UL << WireFormat.OtherShift) - 1), block));
        }
    }

    /// <summary>Lets go of the memory. Idempotent; then there are no blocks.</summary>
    public void Dispose()
    {
        foreach (var table in tables.Distinct())
            table?.Dispose();

        Array.Clear(tables);
    }
}
