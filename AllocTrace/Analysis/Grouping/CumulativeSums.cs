using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Sums in which an allocation counts for its callers too, in time that does not depend on how deep the stacks are.</summary>
internal static class CumulativeSums
{
    public static GroupSums Of(SiteTable[] parts, TraceDatabase database, FrameGrouping grouping, Cumulation cumulation)
    {
        var stacks = database.Stacks;
        var sums = new GroupSums(grouping.Count, database.IsSampled);
        var subtrees = new GroupSums(stacks.Count, database.IsSampled);
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                var (target, group) = site.Stack == 0 ? (sums, 0) : (subtrees, site.Stack);
                target.Add(group, site.Bytes, site.Blocks);
                if (database.IsSampled)
                    target.Add(group, Variance.Of(site, database.Processes[site.Process]));
            }
        }

        // Callers have smaller numbers: going backwards, a stack is complete before it is added to its caller.
        for (var stack = stacks.Count - 1; stack > 0; stack--)
            subtrees.Add(stacks.Caller[stack], subtrees, stack);

        if (cumulation == Cumulation.OncePerFrame)
        {
            for (var stack = 1; stack < stacks.Count; stack++)
                sums.Add(grouping.GroupOfStack[stack], subtrees, stack);
        }
        else
        {
            AddOutermost(sums, subtrees, stacks, grouping);
        }

        return sums;
    }

    /// <summary>Adds the subtrees of those stacks that have no caller of the same group: within such a subtree all is counted already.</summary>
    private static void AddOutermost(GroupSums sums, GroupSums subtrees, StackTable stacks, FrameGrouping grouping)
    {
        var firstCallee = new int[stacks.Count];
        var nextCallee = new int[stacks.Count];
        for (var stack = stacks.Count - 1; stack > 0; stack--)
        {
            nextCallee[stack] = firstCallee[stacks.Caller[stack]];
            firstCallee[stacks.Caller[stack]] = stack;
        }

        // Depth first without recursion, as stacks may be deeper than ours; entered[] counts the groups on the way from the root.
        var entered = new int[grouping.Count];
        for (var stack = firstCallee[0]; stack != 0;)
        {
            if (entered[grouping.GroupOfStack[stack]]++ == 0)
                sums.Add(grouping.GroupOfStack[stack], subtrees, stack);

            if (firstCallee[stack] != 0)
            {
                stack = firstCallee[stack];
                continue;
            }

            while (stack != 0)
            {
                entered[grouping.GroupOfStack[stack]]--;
                if (nextCallee[stack] != 0)
                {
                    stack = nextCallee[stack];
                    break;
                }

                stack = stacks.Caller[stack];
            }
        }
    }
}
