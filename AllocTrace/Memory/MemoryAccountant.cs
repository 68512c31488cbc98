namespace AllocTrace.Memory;

/// <summary>The live blocks of a process, as far as an account needs them.</summary>
internal sealed record LiveMemory
{
    /// <summary>All live blocks, ascending; none in a sampled recording.</summary>
    public required IEnumerable<BlockRange> Blocks { get; init; }

    /// <summary>Address and bytes of CPython's arenas, ascending.</summary>
    public required IReadOnlyList<(ulong Address, ulong Bytes)> Arenas { get; init; }

    /// <summary>Returns the name of the domain of a site; empty for Python's own.</summary>
    public required Func<uint, string> DomainOf { get; init; }

    /// <summary>Returns whether a site is of Python's domains <c>mem</c> and <c>obj</c>.</summary>
    public required Func<uint, bool> IsOfObjects { get; init; }

    /// <summary>True if objects are in mimalloc's heaps.</summary>
    public bool IsMimalloc { get; init; }

    public bool IsSampled { get; init; }
}

/// <summary>Finds an owner for each resident page: the system says which pages there are, the recording which blocks were live on them.</summary>
internal sealed class MemoryAccountant : IDisposable
{
    private const long Page = (long)MemoryMap.PageBytes;

    /// <summary>MI_SEGMENT_SLICE_SIZE: mimalloc keeps a slice of a segment while a block is in it.</summary>
    private const ulong MimallocSlice = 64 << 10;

    private readonly MemoryMap _map;
    private readonly LiveMemory _live;
    private readonly Areas _areas;
    private readonly BlockCursor _blocks;
    private readonly PartSums _parts = new();
    private readonly SiteHolds _holds = new();
    private readonly List<Portion> _portions = [];

    /// <summary>Blocks by site in the arena, or the like, that is being looked at.</summary>
    private readonly Dictionary<uint, int> _inArena = [];

    private long _trim;

    private MemoryAccountant(MemoryMap map, LiveMemory live)
    {
        _map = map;
        _live = live;
        _areas = new Areas(map, live.Arenas);
        _blocks = new BlockCursor(live.Blocks);
    }

    /// <summary>Makes the account.</summary>
    public static MemoryAccount Account(MemoryMap map, LiveMemory live, SnapshotKind kind, string name, long atNs)
    {
        using var accountant = new MemoryAccountant(map, live);
        accountant.Run();
        return new MemoryAccount(
            kind, name, atNs, map.Resident, map.Huge, accountant._trim, accountant._parts.All(), accountant._holds.Largest(), map.Missing);
    }

    public void Dispose() => _blocks.Dispose();

    private void Run()
    {
        MappedRange? before = null;
        foreach (var mapping in _map.Mappings)
        {
            if (IsOwn(mapping.Name))
                _parts.Add(MemoryKind.AllocTrace, mapping.Resident);
            else if (mapping.IsFile)
                _parts.Add(MemoryKind.File, mapping.Resident, name: mapping.Name);
            else if (!mapping.IsData)
                _parts.Add(MemoryKind.Other, mapping.Resident, name: NameOf(mapping));
            else
                AddData(mapping, before);

            before = mapping.Name == "" && before is not null && before.End == mapping.Start ? before with { End = mapping.End } : mapping;
        }
    }

    private static bool IsOwn(string name) => name.EndsWith(".alloctrace", StringComparison.Ordinal) || Path.GetFileName(name).StartsWith("liballoctrace", StringComparison.Ordinal);

    private static string NameOf(MappedRange mapping) => mapping.Name == "" ? "anonymous memory" : mapping.Name;

    private void AddData(MappedRange mapping, MappedRange? before)
    {
        var pages = new PresentPages(mapping);
        foreach (var area in _areas.Of(mapping))
        {
            switch (area.Kind)
            {
                case AreaKind.Own:
                    _parts.Add(MemoryKind.AllocTrace, pages.In(area).LongCount() * Page);
                    break;

                case AreaKind.Stack:
                    _parts.Add(MemoryKind.Stacks, pages.In(area).LongCount() * Page);
                    break;

                case AreaKind.Arena:
                    AddArena(pages.In(area));
                    break;

                case AreaKind.Heap:
                    new HeapAccount(_parts, _holds, _blocks, _live.DomainOf).Add(area, pages.In(area), ref _trim);
                    break;

                default:
                    AddRest(mapping, before, area, pages.In(area));
                    break;
            }
        }

        _parts.Add(MemoryKind.Other, pages.Left, name: mapping.IsSparse ? "sparse mappings" : mapping.Pages is null ? "pages not known" : "changed while it was read");
    }

    private void AddArena(IEnumerable<ulong> pages)
    {
        _inArena.Clear();
        var empty = 0L;
        foreach (var page in pages)
        {
            _blocks.Read(page, isHeap: false, _portions);
            if (_live.IsSampled)
                _parts.Add(MemoryKind.Arena, Page);
            else if (_portions.Count == 0)
                empty += Page;
            else
                AddBlocks(MemoryKind.ArenaLive, MemoryKind.ArenaSlack);
        }

        AddEmpty(MemoryKind.ArenaEmpty, empty);
    }

    /// <summary>Adds the page's blocks, and what is free between them.</summary>
    /// <returns>The bytes that they take.</returns>
    private long AddBlocks(string live, string slack)
    {
        var used = Math.Min(Page, _portions.Sum(portion => (long)portion.Bytes));
        _parts.Add(live, used, Math.Min(used, _portions.Sum(portion => (long)portion.Live)));
        _parts.Add(slack, Page - used);
        _holds.AddPage(_portions, used, Page - used);
        foreach (var portion in _portions)
            _inArena[portion.Site] = _inArena.GetValueOrDefault(portion.Site) + 1;

        return used;
    }

    /// <summary>Adds pages without a block. Every block in the arena keeps them, so its sites share them by the number of their blocks.</summary>
    private void AddEmpty(string kind, long bytes)
    {
        _parts.Add(kind, bytes);
        var blocks = _inArena.Values.Sum(count => (long)count);
        foreach (var (site, count) in _inArena)
            _holds.Add(site, (double)bytes * count / blocks);
    }

    /// <summary>Adds an area whose blocks determine what it is.</summary>
    private void AddRest(MappedRange mapping, MappedRange? before, Area area, IEnumerable<ulong> pages)
    {
        _inArena.Clear();
        var (empty, unheld, hasObjects, slice) = (0L, 0L, false, 0UL);
        var (live, slack, none) = _live.IsMimalloc
            ? (MemoryKind.MimallocLive, MemoryKind.MimallocSlack, MemoryKind.MimallocEmpty)
            : (MemoryKind.ArenaLive, MemoryKind.ArenaSlack, MemoryKind.ArenaEmpty);
        foreach (var page in pages)
        {
            if (_live.IsMimalloc && page / MimallocSlice != slice)
            {
                unheld += EndSlice(none, empty);
                (slice, empty) = (page / MimallocSlice, 0);
            }

            _blocks.Read(page, isHeap: false, _portions);
            if (_portions.Count == 0)
                empty += Page;
            else if (_portions.Exists(portion => _live.IsOfObjects(portion.Site) && (portion.IsSmall || _live.IsMimalloc)))
                hasObjects |= AddBlocks(live, slack) > 0;
            else
                AddMapped();
        }

        unheld += EndSlice(none, empty);
        if (hasObjects)
            _parts.Add(none, unheld);
        else if (before is { IsFile: true } && before.End == mapping.Start)
            _parts.Add(IsOwn(before.Name) ? MemoryKind.AllocTrace : MemoryKind.File, unheld, name: IsOwn(before.Name) ? "" : before.Name); // .bss
        else if (mapping.IsGuarded && area.Start == mapping.Start)
            _parts.Add(MemoryKind.Stacks, unheld);
        else
            _parts.Add(MemoryKind.Other, unheld, name: NameOf(mapping));
    }

    /// <returns>The pages that no block keeps, bytes.</returns>
    private long EndSlice(string kind, long empty)
    {
        if (_inArena.Count == 0)
            return empty;

        AddEmpty(kind, empty);
        _inArena.Clear();
        return 0;
    }

    private void AddMapped()
    {
        var left = Page;
        foreach (var portion in _portions)
        {
            var bytes = Math.Min(left, portion.Bytes);
            _parts.Add(MemoryKind.Mapped, bytes, Math.Min(bytes, portion.Live), _live.DomainOf(portion.Site));
            _holds.Add(portion.Site, bytes, portion.Live);
            left -= bytes;
        }

        if (_portions is [{ IsLong: true } only])
            _parts.Add(MemoryKind.Mapped, left, name: _live.DomainOf(only.Site)); // the end of its last page
        else
            _parts.Add(MemoryKind.Other, left, name: "anonymous memory");
    }
}
