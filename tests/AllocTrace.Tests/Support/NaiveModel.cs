namespace AllocTrace.Tests.Support;

/// <summary>Computes the results of a program's events by dictionaries and copies: slow and plain, to compare the replay with.</summary>
internal sealed class NaiveModel(int temporaryThreshold)
{
    private readonly Dictionary<(int Space, ulong Address), (ulong Size, SiteKey Site)> _blocks = [];
    private readonly Dictionary<(int Thread, int Domain), (ulong Address, ulong Size, SiteKey? Site)> _pending = [];
    private readonly List<(int Thread, int Space, ulong Address)> _allocations = [];
    private bool _rising = true;

    public Dictionary<SiteKey, (long Bytes, long Blocks)> Allocated { get; } = [];

    public Dictionary<SiteKey, (long Bytes, long Blocks)> Freed { get; } = [];

    public Dictionary<SiteKey, (long Bytes, long Blocks)> Temporary { get; } = [];

    public Dictionary<(int Domain, int Kind), (long Calls, long Bytes)> Operations { get; } = [];

    public Dictionary<SiteKey, long> Peak { get; private set; } = [];

    public long UnknownFrees { get; private set; }

    /// <summary>
    /// Every call: thread, domain, kind as in <c>wire.h</c>, address, size, the address that a reallocation ended, and the stack of the
    /// allocation.
    /// </summary>
    public List<(int Thread, int Domain, int Kind, ulong Address, ulong? Size, ulong? Old, uint Stack)> Calls { get; } = [];

    public long LiveTotal => Live.Values.Sum();

    /// <summary>Live bytes by site, including those of a reallocation that has not ended.</summary>
    public Dictionary<SiteKey, long> Live =>
        Allocated.Keys.Select(site => (site, Allocated[site].Bytes - Freed.GetValueOrDefault(site).Bytes))
            .Where(pair => pair.Item2 != 0).ToDictionary(pair => pair.site, pair => pair.Item2);

    public bool IsLive(int domain, ulong address) => _blocks.ContainsKey((Space(domain), address));

    public void Allocate(int kind, int thread, int domain, ulong address, ulong size, uint stack, ulong? old = null)
    {
        Calls.Add((thread, domain, kind, address, size, old, stack));
        var site = new SiteKey(thread, domain, stack);
        if (_blocks.Remove((Space(domain), address), out var lost))
            Release(lost.Size, lost.Site);

        _blocks[(Space(domain), address)] = (size, site);
        Add(Allocated, site, size);
        Count(kind, domain, size);
        _allocations.Add((thread, Space(domain), address));
        Observe();
    }

    public void Free(int thread, int domain, ulong address)
    {
        if (!_blocks.Remove((Space(domain), address), out var block))
        {
            UnknownFrees++;
            Count(4, domain, 0);
            Calls.Add((thread, domain, 4, address, null, null, 0));
            return;
        }

        Calls.Add((thread, domain, 4, address, block.Size, null, block.Site.Stack));

        Count(4, domain, block.Size);
        Release(block.Size, block.Site);
        NoteTemporary(thread, domain, address, block.Size, block.Site);
    }

    public void ReallocBegin(int thread, int domain, ulong address)
    {
        _blocks.Remove((Space(domain), address), out var block);
        _pending[(thread, domain)] = (address, block.Size, block == default ? null : block.Site);
    }

    public void ReallocFailed(int thread, int domain)
    {
        _pending.Remove((thread, domain), out var old);
        if (old.Site is { } site)
            _blocks[(Space(domain), old.Address)] = (old.Size, site);
    }

    public void ReallocCommit(int thread, int domain, ulong address, ulong size, uint stack)
    {
        var isOpen = _pending.Remove((thread, domain), out var old);
        if (isOpen)
        {
            if (old.Site is { } site)
            {
                NoteTemporary(thread, domain, old.Address, old.Size, site);
                Release(old.Size, site);
            }
            else
            {
                UnknownFrees++;
            }
        }

        Allocate(3, thread, domain, address, size, stack, isOpen ? old.Address : null);
    }

    /// <summary>Returns the address space of a domain: domains 0 to 2 share one.</summary>
    private static int Space(int domain) => Math.Max(domain, 2);

    private static void Add(Dictionary<SiteKey, (long Bytes, long Blocks)> sums, SiteKey site, ulong size)
    {
        var (bytes, blocks) = sums.GetValueOrDefault(site);
        sums[site] = (bytes + (long)size, blocks + 1);
    }

    private void Count(int kind, int domain, ulong size)
    {
        var (calls, bytes) = Operations.GetValueOrDefault((domain, kind));
        Operations[(domain, kind)] = (calls + 1, bytes + (long)size);
    }

    private void Release(ulong size, SiteKey site)
    {
        _rising = false;
        Add(Freed, site, size);
    }

    private void NoteTemporary(int thread, int domain, ulong address, ulong size, SiteKey site)
    {
        // Counts the allocations of this thread after that of the block.
        var own = _allocations.Where(allocation => allocation.Thread == thread).ToList();
        var index = own.FindLastIndex(allocation => allocation.Space == Space(domain) && allocation.Address == address);
        if (site.Thread == thread && own.Count - 1 - index < temporaryThreshold)
            Add(Temporary, site, size);
    }

    /// <summary>Determines the peak: the live blocks just before the first decrease after the highest total was reached.</summary>
    private void Observe()
    {
        if (LiveTotal > Peak.Values.Sum())
            _rising = true;

        if (_rising)
            Peak = Live;
    }
}
