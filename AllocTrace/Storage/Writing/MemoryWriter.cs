using AllocTrace.Memory;

namespace AllocTrace.Storage;

/// <summary>Writes accounts of resident memory.</summary>
internal sealed class MemoryWriter : IDisposable
{
    private readonly RawInsert _memory;
    private readonly RawInsert _part;
    private readonly RawInsert _hold;
    private readonly RawInsert _group;
    private long _accounts;

    public MemoryWriter(WriteConnection connection)
    {
        _memory = new RawInsert(connection, "memory", columns: 9);
        _part = new RawInsert(connection, "memory_part", columns: 6);
        _hold = new RawInsert(connection, "memory_hold", columns: 4);
        _group = new RawInsert(connection, "control_group", columns: 6);
    }

    /// <summary>Writes the accounts of a process.</summary>
    /// <param name="process">Its number in the database.</param>
    /// <param name="accounts">The accounts.</param>
    /// <param name="firstSite">The offset from the number of a site in the process to that in the database.</param>
    public void Add(long process, IEnumerable<MemoryAccount> accounts, long firstSite)
    {
        foreach (var account in accounts)
        {
            var id = ++_accounts;
            _memory.Add(id, process, account.Kind.Word(), account.Name, account.AtNs, account.Resident, account.Huge, account.Trim, (long)account.Missing);
            foreach (var (position, part) in account.Parts.Index())
                _part.Add(id, position, part.Kind, MemoryKind.HasBlocks(part.Kind) && part.Name != "" ? KnownDomain.NameOf(part.Name) : part.Name, part.Resident, part.Live);

            foreach (var hold in account.Holds)
                _hold.Add(id, firstSite + hold.Site, hold.Bytes, hold.Live);
        }
    }

    /// <summary>Writes the control group that limits a process.</summary>
    public void Add(long process, ControlGroup group)
    {
        if (group.LimitBytes is { } limit)
            _group.Add(process, group.Path, limit, group.CurrentBytes, group.PeakBytes, group.Kills);
    }

    public void Dispose()
    {
        foreach (var insert in (RawInsert[])[_memory, _part, _hold, _group])
            insert.Dispose();
    }
}
