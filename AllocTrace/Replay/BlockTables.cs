using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>
/// The live blocks of a process by domain and address. Raw, mem, obj and the C heap share addresses; each tracked domain gets a table with
/// its first block. Threads that continue use the pages of the tables directly (<see cref="ThreadDomain"/>).
/// </summary>
/// <param name="threads">All threads of the process, also those to come.</param>
/// <param name="hasNative">
/// True if blocks of the C heap were recorded, which tracked domains may rename (<see cref="RenamedBlocks"/>).
/// </param>
internal sealed unsafe class BlockTables(IReadOnlyList<ThreadReplay> threads, bool hasNative) : IDisposable
{
    private readonly AddressTable?[] _tables = WithHeap(new AddressTable());

    /// <summary>Returns whether a domain's blocks may be blocks of the C heap under another name.</summary>
    public bool MayRename(uint domain) => hasNative && WireFormat.IsTracked((int)domain);

    /// <summary>Returns the bits that distinguish an address from the same address in other domains, by a bitwise or.</summary>
    public ulong TagOf(uint domain) => WireFormat.IsHeap((int)domain) || MayRename(domain) ? 0 : (ulong)domain << WireFormat.OperandBits;

    /// <summary>Looks a block up.</summary>
    /// <returns>Its site, 0 if it is not known.</returns>
    public uint Find(uint domain, ulong address, out ulong bytes)
    {
        bytes = 0;
        return _tables[domain] is { } table ? table.Find(address, out bytes) : 0;
    }

    /// <summary>Notes a block.</summary>
    /// <param name="domain">The record's domain.</param>
    /// <param name="address">Its address.</param>
    /// <param name="bytes">Its size in bytes.</param>
    /// <param name="site">Its site.</param>
    /// <param name="replacedBytes">The size in bytes of the block that was noted there.</param>
    /// <returns>The site of the block that was noted there, 0 if none was.</returns>
    public uint Put(uint domain, ulong address, ulong bytes, uint site, out ulong replacedBytes) =>
        (_tables[domain] ?? Add(domain)).Put(address, bytes, site, out replacedBytes);

    /// <summary>Takes a block out.</summary>
    /// <returns>Its site, 0 if it was not known.</returns>
    public uint Take(uint domain, ulong address, out ulong bytes)
    {
        bytes = 0;
        return _tables[domain] is { } table ? table.Take(address, out bytes) : 0;
    }

    /// <summary>Gives a thread the pages of each domain.</summary>
    public void Connect(ThreadReplay thread)
    {
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            thread.Domains[domain].Pages = PagesOf(domain);
            thread.Domains[domain].Tag = TagOf((uint)domain);
        }
    }

    /// <summary>Returns tables with the same blocks, by domain. They share memory until one of them changes it.</summary>
    public AddressTable?[] Clone()
    {
        var tables = WithHeap(_tables[0]!.Clone());
        for (var domain = 0; domain < WireFormat.Domains; domain++)
            tables[domain] ??= _tables[domain]?.Clone();

        return tables;
    }

    /// <summary>All tables that there are.</summary>
    public AddressTable[] All() => [.. _tables.OfType<AddressTable>().Distinct()];

    /// <summary>Takes over the tables of a clone, in place of its own empty ones. No thread is connected yet.</summary>
    public void Replace(AddressTable?[] tables)
    {
        _tables[0]!.Dispose();
        tables.CopyTo(_tables, 0);
    }

    public void Save(BinaryWriter writer)
    {
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            var isOwn = _tables[domain] is not null && (domain == 0 || !WireFormat.IsHeap(domain));
            writer.Write(isOwn);
            if (isOwn)
                _tables[domain]!.Save(writer);
        }
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader, uint siteEnd)
    {
        for (var domain = 0; domain < WireFormat.Domains; domain++)
        {
            if (!reader.ReadBoolean())
                continue;

            if ((domain > 0 && WireFormat.IsHeap(domain)) || !(_tables[domain] ??= new AddressTable()).TryLoad(reader, siteEnd))
                return false;
        }

        return true;
    }

    public void Dispose()
    {
        foreach (var table in _tables.Distinct())
            table?.Dispose();
    }

    private static AddressTable?[] WithHeap(AddressTable heap)
    {
        var tables = new AddressTable?[WireFormat.Domains];
        for (var domain = 0; domain < WireFormat.Domains; domain++)
            tables[domain] = WireFormat.IsHeap(domain) ? heap : null;

        return tables;
    }

    /// <summary>Returns the pages for the usual case; none for domains whose blocks need further checks.</summary>
    private AddressPage** PagesOf(int domain) =>
        _tables[domain] is { } table && !MayRename((uint)domain) ? table.Pages : AddressTable.NoPages;

    private AddressTable Add(uint domain)
    {
        var table = new AddressTable();
        _tables[domain] = table;
        foreach (var thread in threads)
        {
            if (thread.Domains != null)
                thread.Domains[domain].Pages = PagesOf((int)domain);
        }

        return table;
    }
}
