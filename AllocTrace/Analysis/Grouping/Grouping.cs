using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Numbers groups of sites, so that summing is an array access, and describes a group when it is shown.</summary>
internal abstract class Grouping
{
    /// <summary>Groups are numbered from 0 to below this; some may have no site.</summary>
    public abstract int Count { get; }

    /// <summary>The group that a site belongs to.</summary>
    public abstract int GroupOf(in Site site);

    /// <summary>Orders groups of equal size and count: negative when <paramref name="a"/> comes before <paramref name="b"/>.</summary>
    public abstract int Compare(int a, int b);

    /// <summary>Returns for each group of another recording, with the same kind of grouping, the equal group here, or -1.</summary>
    /// <param name="other">A grouping of the same type.</param>
    public abstract int[] Match(Grouping other);

    /// <summary>Describes a group.</summary>
    /// <param name="group">The index of the group.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="blocks">Its blocks.</param>
    /// <param name="stack">The stack that gives a group of lines its function's name; 0: the first one.</param>
    public abstract Statistic Describe(int group, long bytes, long blocks, int stack = 0);
}
