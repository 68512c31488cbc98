namespace AllocTrace.Replay;

/// <summary>Takes the live blocks at a fork, and passes them to the replay of the child.</summary>
internal static unsafe class ReplayForks
{
    /// <summary>Returns the live blocks.</summary>
    /// <param name="replay">The replay of the parent.</param>
    /// <param name="sessionPath">The parent's session.</param>
    /// <param name="number">The number of the fork.</param>
    public static ForkImage Take(ProcessReplay replay, string sessionPath, ulong number)
    {
        var (sites, inherited) = (replay.Sites, replay.Inherited);
        var images = new InheritedSite[sites.End - 1];
        for (var site = 1u; site < sites.End; site++)
        {
            var counters = sites.Counters + site;
            var isInherited = site <= inherited.Length;
            images[site - 1] = new InheritedSite(
                isInherited ? inherited[site - 1].Thread : replay.Threads[counters->Thread],
                counters->Domain,
                isInherited ? inherited[site - 1].SessionPath : sessionPath,
                sites.History[site].Stack,
                counters->LiveBytes,
                counters->LiveBlocks);
        }

        return new ForkImage(number, images, replay.Blocks.Tables.Clone(), replay.Blocks.Mappings.Table.Clone(), replay.Memory.Arenas());
    }

    /// <summary>Adds the sites of a parent to the replay of its child, with a thread for each of the parent's that has live blocks.</summary>
    /// <param name="blocks">The child's replay, before anything else.</param>
    /// <param name="threads">Its threads.</param>
    /// <param name="image">The parent's blocks. The replay owns the image's tables then.</param>
    /// <param name="temporaryThreshold">See <see cref="RecentAllocations"/>.</param>
    public static void Inherit(BlockReplay blocks, List<ThreadReplay> threads, ForkImage image, int temporaryThreshold)
    {
        blocks.Tables.Replace(image.Tables);
        blocks.Mappings.Table = image.Mappings;
        var indices = new Dictionary<ThreadReplay, int>();
        foreach (ref readonly var site in image.Sites.AsSpan())
        {
            if (!indices.TryGetValue(site.Thread, out var thread) && site.Blocks != 0)
            {
                indices.Add(site.Thread, thread = threads.Count);
                threads.Add(ThreadReplay.StandIn(thread, site.Thread, temporaryThreshold));
            }

            blocks.AddInherited(thread, site);
        }
    }
}
