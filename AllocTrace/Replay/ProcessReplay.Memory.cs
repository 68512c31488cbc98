using AllocTrace.Memory;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

// Resident memory: the arenas that there are, and accounts of what was resident at a moment.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>Address and bytes of CPython's arenas.</summary>
    private readonly SortedDictionary<ulong, ulong> _arenas = [];

    private readonly List<MemoryAccount> _accounts = [];

    /// <summary>The accounts that were made, in order.</summary>
    public IReadOnlyList<MemoryAccount> Accounts => _accounts;

    /// <summary>Keeps an account of resident memory at the record that the replay has reached.</summary>
    public void AddAccount(MemoryMap map, SnapshotKind kind, string name) => _accounts.Add(Account(map, kind, name));

    /// <summary>Makes an account without keeping it.</summary>
    public MemoryAccount Account(MemoryMap map, SnapshotKind kind, string name) => MemoryAccountant.Account(
        map,
        new LiveMemory
        {
            Blocks = _estimate is null ? BlocksByAddress.Of([.. _tables.OfType<AddressTable>().Distinct()]) : [],
            Arenas = [.. _arenas.Select(arena => (arena.Key, arena.Value))],
            DomainOf = site => DomainName(Sites.Counters[site].Domain),
            IsOfObjects = site => Sites.Counters[site].Domain is 1 or 2,
            IsMimalloc = IsFreeThreaded(),
            IsSampled = _estimate is not null,
        },
        kind,
        name,
        NowNs);

    /// <summary>The number that an extension chose; empty for Python's own domains.</summary>
    private string DomainName(int domain) => domain < WireFormat.FirstTrackedDomain ? ""
        : domain == WireFormat.OtherDomains && _session.Header->TrackedDomain[domain] == 0 ? "others"
        : _session.Header->TrackedDomain[domain].ToString(System.Globalization.CultureInfo.InvariantCulture);

    private bool IsFreeThreaded()
    {
        for (uint runtime = 0; runtime < _session.RuntimeCount; runtime++)
        {
            if (_session.String(_session.Runtime(runtime)->Version).Contains("free-threading build", StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    private void ReadAccount(ulong firstWord)
    {
        var head = MemoryMapReader.Read(_session, firstWord);
        if (head.Occasion == MemoryOccasion.Snapshot)
            AddAccount(head.Map, SnapshotKind.Named, _session.String(head.Name));
        else
            AddAccount(head.Map, SnapshotKind.Live, ""); // the mark that finalization began follows
    }

    private void NoteArena(ulong argument, bool isGone)
    {
        const ulong pages = WireFormat.MemoryPage - 1;
        var address = argument & ~pages;
        if (isGone)
            _arenas.Remove(address);
        else
            _arenas[address] = (argument & pages) * WireFormat.MemoryPage;
    }
}
