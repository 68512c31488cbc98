using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Counts blocks that a fork inherited once. The parent has them too, in the same pages until one process writes. The recording knows
/// blocks by site, not by address: at the same site, a child adds the blocks that it has beyond its parent and its siblings.
/// </summary>
internal static class ForkedBlocks
{
    /// <summary>Returns the sites without what is counted in another process, and how much that is.</summary>
    public static (SiteTable[] Parts, MemoryAmount LeftOut) CountOnce(TraceDatabase database, SiteTable[] parts)
    {
        var parents = Parents(database, parts);
        var inherited = parts.Any(part => part.Sites.ContainsInherited());
        if (!inherited || parents.All(parent => parent < 0))
            return (parts, default);

        var ofParents = parents.ToHashSet();
        var alive = new Dictionary<(int Process, int Domain, int Stack), MemoryAmount>(); // in parents
        var own = new Dictionary<(int Process, int Domain, int Stack), MemoryAmount>(); // what each child inherited
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                var key = (site.Process, site.Domain, site.Stack);
                if (ofParents.Contains(site.Process))
                    alive[key] = alive.GetValueOrDefault(key) + new MemoryAmount(site.Bytes, site.Blocks);
                if (site.IsInherited && parents[site.Process] >= 0)
                    own[key] = own.GetValueOrDefault(key) + new MemoryAmount(site.Bytes, site.Blocks);
            }
        }

        var added = Added(parents, alive, own);
        var leftOut = default(MemoryAmount);
        SiteTable[] once = [.. parts.Select(Once)];
        return (once, leftOut);

        SiteTable Once(SiteTable part)
        {
            var sites = new SiteTable(part.Count);
            foreach (ref readonly var site in part.Sites)
            {
                var counted = site;
                if (site.IsInherited && parents[site.Process] >= 0)
                {
                    var key = (site.Process, site.Domain, site.Stack);
                    var rest = added[key];
                    counted = site with { Bytes = Math.Min(site.Bytes, rest.Bytes), Blocks = Math.Min(site.Blocks, rest.Blocks) };
                    added[key] = new MemoryAmount(rest.Bytes - counted.Bytes, rest.Blocks - counted.Blocks);
                    leftOut += new MemoryAmount(site.Bytes - counted.Bytes, site.Blocks - counted.Blocks);
                }

                if (counted.Blocks > 0)
                    sites.Add(counted);
            }

            return sites;
        }
    }

    /// <summary>For each child's place what it adds to its parent and to the siblings before it.</summary>
    private static Dictionary<(int Process, int Domain, int Stack), MemoryAmount> Added(
        int[] parents, Dictionary<(int Process, int Domain, int Stack), MemoryAmount> alive, Dictionary<(int Process, int Domain, int Stack), MemoryAmount> own)
    {
        var known = new Dictionary<(int Process, int Domain, int Stack), MemoryAmount>(alive);
        var added = new Dictionary<(int Process, int Domain, int Stack), MemoryAmount>();
        foreach (var (key, amount) in own.OrderBy(pair => pair.Key.Process))
        {
            var parent = (parents[key.Process], key.Domain, key.Stack);
            var has = known.GetValueOrDefault(parent);
            added[key] = new MemoryAmount(Math.Max(0, amount.Bytes - has.Bytes), Math.Max(0, amount.Blocks - has.Blocks));
            known[parent] = new MemoryAmount(Math.Max(has.Bytes, amount.Bytes), Math.Max(has.Blocks, amount.Blocks));
        }

        return added;
    }

    /// <summary>For each process the one among those with sites that it was forked from, or -1. Pids come again: the last one with it that was there before counts.</summary>
    private static int[] Parents(TraceDatabase database, SiteTable[] parts)
    {
        var present = new HashSet<int>();
        foreach (var part in parts)
        {
            if (part.Count > 0)
                present.Add(part.Sites[0].Process);
        }

        var processes = database.Processes;
        var parents = new int[processes.Count];
        for (var child = 0; child < parents.Length; child++)
        {
            parents[child] = -1;
            for (var i = 0; i < parents.Length; i++)
            {
                var isParent = i != child && present.Contains(i) && processes[i].Pid == processes[child].ParentPid && processes[i].StartedAtNs <= processes[child].StartedAtNs;
                if (isParent && (parents[child] < 0 || processes[i].StartedAtNs >= processes[parents[child]].StartedAtNs))
                    parents[child] = i;
            }
        }

        return parents;
    }

    private static bool ContainsInherited(this ReadOnlySpan<Site> sites)
    {
        foreach (ref readonly var site in sites)
        {
            if (site.IsInherited)
                return true;
        }

        return false;
    }
}
