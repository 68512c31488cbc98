using AllocTrace.Wire;

namespace AllocTrace.Replay;

// What a forked child begins with.
internal sealed unsafe partial class ProcessReplay
{
    /// <summary>Begins with what was alive in the parent: before anything else, at most once. The image's tables are this object's then.</summary>
    public void Inherit(ForkImage image)
    {
        _tables[0]!.Dispose();
        image.Tables.CopyTo(_tables, 0);
        _mappings = image.Mappings;
        Inherited = image.Sites;
        var threads = new Dictionary<ThreadReplay, int>();
        foreach (ref readonly var site in image.Sites.AsSpan())
        {
            if (!threads.TryGetValue(site.Thread, out var thread) && site.Blocks != 0)
                threads.Add(site.Thread, thread = AddInheritedThread(site.Thread));

            var number = Sites.Add(thread, site.Domain, site.Stack);
            var counters = Sites.Counters + number; // adding moves them
            counters->AllocatedBytes = site.Bytes;
            counters->AllocatedBlocks = site.Blocks;
            _liveBytes += site.Bytes;
            _liveBlocks += site.Blocks;
        }

        _inheritedBytes = _liveBytes;
        _counters = Sites.Counters;
    }

    private ForkImage TakeForkImage(ulong number)
    {
        var sites = new InheritedSite[Sites.End - 1];
        for (var site = 1u; site < Sites.End; site++)
        {
            var counters = Sites.Counters + site;
            var inherited = site <= Inherited.Length;
            sites[site - 1] = new InheritedSite(
                inherited ? Inherited[site - 1].Thread : _threads[counters->Thread],
                counters->Domain,
                inherited ? Inherited[site - 1].SessionPath : _session.Path,
                Sites.History[site].Stack,
                counters->LiveBytes,
                counters->LiveBlocks);
        }

        var tables = new AddressTable?[WireFormat.Domains];
        var pythonBlocks = _tables[0]!.Clone();
        for (var domain = 0; domain < WireFormat.Domains; domain++)
            tables[domain] = WireFormat.IsHeap(domain) ? pythonBlocks : _tables[domain]?.Clone();

        return new ForkImage(number, sites, tables, _mappings.Clone());
    }

    private int AddInheritedThread(ThreadReplay origin)
    {
        var thread = new ThreadReplay(_threads.Count, origin.OsId, startedNs: 0, _temporaryThreshold) { Origin = origin };
        thread.End(endedNs: 0, lostEvents: 0);
        _threads.Add(thread);
        return thread.Index;
    }
}
