using AllocTrace.Journal;
using AllocTrace.Wire;

namespace AllocTrace.Replay;

/// <summary>Writes and reads the whole state of a replay, for a checkpoint: another collector continues from it.</summary>
/// <param name="session">The session that is replayed.</param>
/// <param name="threads">The threads of the replay.</param>
/// <param name="blocks">Its blocks and counters.</param>
/// <param name="snapshots">Its snapshots.</param>
/// <param name="temporaryThreshold">See <see cref="RecentAllocations"/>.</param>
internal sealed unsafe class ReplayState(SessionFile session, List<ThreadReplay> threads, BlockReplay blocks, ReplaySnapshots snapshots, int temporaryThreshold)
{
    /// <summary>Writes the state.</summary>
    public void Save(BinaryWriter writer, ulong lastFork, InheritedSite[] inherited)
    {
        var (sums, clock) = (blocks.State(), blocks.Clock);
        writer.WriteAll<long>(
        [
            sums.LiveBytes, sums.LiveBlocks, sums.HighestBytes, clock.PeakBytes, clock.PeakAtNs, (long)clock.Epoch, (long)sums.Moment, snapshots.Finalizing ? 1 : 0,
            (long)lastFork, clock.NowNs, blocks.UnknownFrees,
        ]);
        writer.WriteAll<OperationTotals>(blocks.Operations);
        writer.Write(threads.Count);
        foreach (var thread in threads)
            thread.Save(writer);

        writer.Write(inherited.Length);
        foreach (ref readonly var site in inherited.AsSpan())
        {
            writer.Write(site.Domain);
            writer.Write(site.SessionPath);
            writer.WriteAll([site.Stack, (ulong)site.Bytes, (ulong)site.Blocks]);
        }

        blocks.Sites.Save(writer);
        blocks.Tables.Save(writer);
        blocks.Mappings.Table.Save(writer);
        blocks.Clock.SaveSlices(writer);
        snapshots.Save(writer);
    }

    /// <summary>Takes a state over, before anything was replayed.</summary>
    /// <exception cref="EndOfStreamException">The file is shorter than what it announces.</exception>
    /// <exception cref="InvalidTraceException">What it says cannot be.</exception>
    public (ulong LastFork, InheritedSite[] Inherited) Load(BinaryReader reader)
    {
        if (reader.ReadAll<long>() is not [var liveBytes, var liveBlocks, var highestBytes, var peakBytes, var peakAtNs, var epoch, var moment, var finalizing, var lastFork, var now, var unknown])
            throw Impossible();

        blocks.Restore(liveBytes, liveBlocks, highestBytes, (ulong)moment);
        blocks.UnknownFrees = unknown;
        blocks.Clock.Restore(now, peakBytes, peakAtNs, (ulong)epoch);
        var operations = reader.ReadAll<OperationTotals>();
        if (operations.Length != blocks.Operations.Length)
            throw Impossible();

        operations.CopyTo(blocks.Operations, 0);
        var count = reader.ReadCount(least: 1);
        for (var i = 0; i < count; i++)
            threads.Add(ThreadReplay.Load(reader, i, temporaryThreshold));

        var sites = new (int Domain, string Path, ulong[] Counts)[reader.ReadCount(least: 1)];
        for (var i = 0; i < sites.Length; i++)
            sites[i] = (reader.ReadInt32(), reader.ReadString(), reader.ReadAll<ulong>());

        blocks.LoadSites(reader);
        InheritedSite[] inherited = [.. sites.Select(Inherit)];
        if (!blocks.Tables.TryLoad(reader, blocks.Sites.End) || !blocks.Mappings.Table.TryLoad(reader, blocks.Sites.End))
            throw Impossible();

        if (threads.Exists(thread => thread.Unmapped.Exists(piece => piece.Mapping.Site >= blocks.Sites.End)))
            throw Impossible();

        ConnectSites();
        if (!ReplaySums.AddUp(blocks, inherited) || !blocks.Clock.TryLoadSlices(reader) || !snapshots.TryLoad(reader, finalizing != 0))
            throw Impossible();

        return ((ulong)lastFork, inherited);
    }

    private InvalidTraceException Impossible() => CheckpointFile.Damaged(session, "its data of the replay is impossible");

    /// <summary>The process of the thread has its own replay, or had: here the thread stands for itself.</summary>
    private InheritedSite Inherit((int Domain, string Path, ulong[] Counts) site, int index)
    {
        if (index + 1 >= blocks.Sites.End || site.Counts.Length != 3 || blocks.Sites.Counters[index + 1].Thread >= threads.Count)
            throw Impossible();

        return new InheritedSite(threads[blocks.Sites.Counters[index + 1].Thread], site.Domain, site.Path, (uint)site.Counts[0], (long)site.Counts[1], (long)site.Counts[2]);
    }

    /// <summary>Gives each thread that continues its sites and tables.</summary>
    private void ConnectSites()
    {
        foreach (var thread in threads.Where(thread => thread.Domains != null))
            blocks.Tables.Connect(thread);

        for (var site = 1u; site < blocks.Sites.End; site++)
        {
            var counters = blocks.Sites.Counters + site;
            var stack = blocks.Sites.History[site].Stack;
            if (counters->Thread < 0 || counters->Thread >= threads.Count || counters->Domain is < 0 or >= WireFormat.Domains)
                throw Impossible();

            var thread = threads[counters->Thread];
            if (thread.Domains == null)
                continue;

            if (stack >= WireFormat.FirstNode && stack >= session.NodeCount)
                throw Impossible();

            thread.Domains[counters->Domain].Sites.Add(stack, site);
        }
    }
}
