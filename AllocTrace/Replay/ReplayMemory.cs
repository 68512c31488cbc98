using System.Globalization;

using AllocTrace.Journal;
using AllocTrace.Memory;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>Resident memory: the arenas that there are, and accounts of what was resident at a moment.</summary>
/// <param name="session">The session that is replayed.</param>
/// <param name="blocks">Its blocks and counters.</param>
internal sealed unsafe class ReplayMemory(SessionFile session, BlockReplay blocks)
{
    private readonly SortedDictionary<ulong, ulong> _arenas = [];
    private readonly List<MemoryAccount> _accounts = [];

    /// <summary>The accounts that were made, in order.</summary>
    public IReadOnlyList<MemoryAccount> Accounts => _accounts;

    /// <summary>Address and bytes of CPython's arenas, ascending.</summary>
    public (ulong Address, ulong Bytes)[] Arenas() => [.. _arenas.Select(arena => (arena.Key, arena.Value))];

    /// <summary>Adds the arenas that a forked child has from its parent.</summary>
    public void Inherit((ulong Address, ulong Bytes)[] arenas)
    {
        foreach (var (address, bytes) in arenas)
            _arenas[address] = bytes;
    }

    /// <summary>Replays a mark about an arena.</summary>
    public void NoteArena(ulong argument, bool isGone)
    {
        const ulong pages = WireFormat.MemoryPage - 1;
        var address = argument & ~pages;
        if (isGone)
            _arenas.Remove(address);
        else
            _arenas[address] = (argument & pages) * WireFormat.MemoryPage;
    }

    /// <summary>Replays a mark about an account that the process wrote.</summary>
    /// <param name="firstWord">The number of its first word.</param>
    /// <exception cref="InvalidTraceException">The account is damaged.</exception>
    public void ReadAccount(ulong firstWord)
    {
        var head = MemoryMapReader.Read(session, firstWord);
        if (head.Occasion == MemoryOccasion.Snapshot)
        {
            AddAccount(head.Map, SnapshotKind.Named, session.String(head.Name));
            return;
        }

        ForgetLive(); // of an earlier life of the interpreter
        AddAccount(head.Map, SnapshotKind.Live, "");
    }

    /// <summary>The interpreter is initialized, perhaps again.</summary>
    public void ForgetLive() => _accounts.RemoveAll(account => account.Kind == SnapshotKind.Live);

    /// <summary>Keeps an account of resident memory at the record that the replay has reached.</summary>
    public void AddAccount(MemoryMap map, SnapshotKind kind, string name) => _accounts.Add(Account(map, kind, name));

    /// <summary>Makes an account without keeping it.</summary>
    public MemoryAccount Account(MemoryMap map, SnapshotKind kind, string name) => MemoryAccountant.Account(
        map,
        new LiveMemory
        {
            Blocks = blocks.IsSampled ? [] : BlocksByAddress.Of(blocks.Tables.All(), blocks.Mappings.Table.Pieces),
            Arenas = Arenas(),
            DomainOf = site => DomainName(blocks.Sites.Counters[site].Domain),
            IsOfObjects = site => blocks.Sites.Counters[site].Domain is 1 or 2,
            IsMimalloc = IsFreeThreaded(),
            IsSampled = blocks.IsSampled,
        },
        kind,
        name,
        blocks.Clock.NowNs);

    public void Save(BinaryWriter writer)
    {
        writer.WriteAll<(ulong, ulong)>(Arenas());
        writer.Write(_accounts.Count);
        foreach (var account in _accounts)
            account.Save(writer);
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader)
    {
        Inherit(reader.ReadAll<(ulong, ulong)>());
        var count = reader.ReadCount(least: 1);
        for (var i = 0; i < count; i++)
            _accounts.Add(MemoryAccount.Load(reader));

        return !_accounts.Exists(account => account.Holds.Any(hold => hold.Site == 0 || hold.Site >= blocks.Sites.End));
    }

    /// <summary>The number that an extension chose; empty for Python's own domains.</summary>
    private string DomainName(int domain) => domain switch
    {
        < WireFormat.FirstTrackedDomain => "",
        WireFormat.MallocDomain => "malloc",
        WireFormat.MmapDomain => "mmap",
        WireFormat.OtherDomains when session.Header->TrackedDomain[domain] == 0 => "others",
        _ => session.Header->TrackedDomain[domain].ToString(CultureInfo.InvariantCulture),
    };

    private bool IsFreeThreaded()
    {
        for (uint runtime = 0; runtime < session.RuntimeCount; runtime++)
        {
            if (session.String(session.Runtime(runtime)->Version).Contains("free-threading build", StringComparison.Ordinal))
                return true;
        }

        return false;
    }
}
