namespace AllocTrace.Replay;

/// <summary>The live blocks of a process when it forked, with which its child begins. Shares memory with the parent's replay until either changes it.</summary>
internal sealed class ForkImage : IDisposable
{
    /// <param name="number">The number of the fork.</param>
    /// <param name="sites">All sites of the parent, from number 1 on.</param>
    /// <param name="tables">The parent's blocks by domain, cloned; they name sites by number.</param>
    /// <param name="mappings">The parent's mappings, cloned.</param>
    public ForkImage(ulong number, InheritedSite[] sites, AddressTable?[] tables, MappingTable mappings)
    {
        Number = number;
        Sites = sites;
        Tables = tables;
        Mappings = mappings;
    }

    public ulong Number { get; }

    public InheritedSite[] Sites { get; }

    public AddressTable?[] Tables { get; }

    public MappingTable Mappings { get; }

    public void Dispose()
    {
        foreach (var table in Tables.Distinct()) // the heap's domains have one
            table?.Dispose();
    }
}
