using AllocTrace.Replay;

namespace AllocTrace.Storage;

/// <summary>The sums of a site since its process's recording began. What was inherited counts as allocated.</summary>
internal readonly record struct SiteTotals(MemoryAmount Allocated, MemoryAmount Freed, MemoryAmount Temporary)
{
    public MemoryAmount Live => new(Allocated.Bytes - Freed.Bytes, Allocated.Blocks - Freed.Blocks);

    public static SiteTotals Of(in ReplayedSite site) => new(
        new(site.AllocatedBytes, site.AllocatedBlocks), new(site.FreedBytes, site.FreedBlocks), new(site.TemporaryBytes, site.TemporaryBlocks));

    public static SiteTotals operator +(SiteTotals a, SiteTotals b) => new(a.Allocated + b.Allocated, a.Freed + b.Freed, a.Temporary + b.Temporary);

    public static SiteTotals operator -(SiteTotals a, SiteTotals b) => new(Less(a.Allocated, b.Allocated), Less(a.Freed, b.Freed), Less(a.Temporary, b.Temporary));

    /// <summary>Returns whether some sum is smaller than another's.</summary>
    public bool IsBelow(SiteTotals other) =>
        Allocated.Bytes < other.Allocated.Bytes || Allocated.Blocks < other.Allocated.Blocks || Freed.Bytes < other.Freed.Bytes || Freed.Blocks < other.Freed.Blocks;

    private static MemoryAmount Less(MemoryAmount a, MemoryAmount b) => new(a.Bytes - b.Bytes, a.Blocks - b.Blocks);
}

/// <summary>The key of a site of a followed process: threads are folded.</summary>
/// <param name="Origin">The session that the node is of; empty: the process's own. A forked child's inherited blocks are of its parent's.</param>
/// <param name="Domain">The records' domain.</param>
/// <param name="Node">The stack, with its interpreter and expression, as a node of the session.</param>
internal readonly record struct FollowedSiteKey(string Origin, int Domain, uint Node);

/// <summary>A site of a followed process.</summary>
internal struct FollowedSite
{
    public FollowedSiteKey Key;

    /// <summary>A stack of the <see cref="FrameTrie"/>.</summary>
    public int Stack;

    public uint Interpreter;
    public uint Expression;

    /// <summary>The sums now.</summary>
    public SiteTotals Latest;

    /// <summary>The sums that are in the database, and in what is to be sent.</summary>
    public SiteTotals Committed;

    /// <summary>The sums that were written in the current transaction.</summary>
    public SiteTotals Written;

    /// <summary>The row in the current database; 0 if it has none yet.</summary>
    public long Row;

    /// <summary>True if it changed since the process had most: its row of that moment is out of date.</summary>
    public bool HasChangedSincePeak;
}
