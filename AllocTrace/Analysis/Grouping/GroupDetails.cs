using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The details that the largest part of a group contributes to its display.</summary>
/// <param name="Stack">A stack of the code that has most of it: several code objects may share a line, and one gives its name. 0: any.</param>
/// <param name="Expression">The expression that has most of it, packed; 0: unknown.</param>
/// <param name="Types">The types of its blocks, if the snapshot has them.</param>
/// <param name="Retained">The bytes that would be freed with its blocks, if the snapshot has types.</param>
internal readonly record struct GroupDetail(int Stack, uint Expression, IReadOnlyList<TypeAmount>? Types = null, long? Retained = null);

/// <summary>Looks for the largest parts of groups that are going to be shown.</summary>
/// <param name="database">The recording.</param>
/// <param name="parts">The sites.</param>
internal sealed class GroupDetails(TraceDatabase database, IReadOnlyList<SiteTable> parts)
{
    /// <summary>The details of some groups, in their order.</summary>
    /// <param name="grouping">The grouping.</param>
    /// <param name="groups">The indexes of the groups.</param>
    /// <param name="cumulation">The way in which allocations count for callers; unless it is none, there is no expression.</param>
    public GroupDetail[] Of(Grouping grouping, int[] groups, Cumulation cumulation)
    {
        var isAsked = new bool[grouping.Count];
        foreach (var group in groups)
            isAsked[group] = true;

        var stacks = grouping is FrameGrouping frames ? LargestStacks(frames, isAsked, cumulation) : [];
        var expressions = cumulation == Cumulation.None && grouping is TracebackGrouping or FrameGrouping { IsByLine: true } ? LargestExpressions(grouping, isAsked) : [];
        return Array.ConvertAll(groups, group => new GroupDetail(stacks.GetValueOrDefault(group), expressions.GetValueOrDefault(group)));
    }

    /// <summary>For each group a stack of the code with most bytes.</summary>
    private Dictionary<int, int> LargestStacks(FrameGrouping grouping, bool[] isAsked, Cumulation cumulation)
    {
        var stacks = database.Stacks;
        var bytes = new long[stacks.Count];
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
                bytes[site.Stack] += site.Bytes;
        }

        // Callers have smaller numbers: going backwards, a stack is complete before it is added to its caller.
        for (var stack = stacks.Count - 1; stack > 0 && cumulation != Cumulation.None; stack--)
            bytes[stacks.Caller[stack]] += bytes[stack];

        var attributed = stacks.Attributed();
        var ofCode = new Dictionary<(int Group, int Key), (long Bytes, int Stack, long Largest)>();
        for (var stack = 1; stack < stacks.Count; stack++)
        {
            var group = grouping.GroupOfStack[stack];
            if (bytes[stack] == 0 || !isAsked[group])
                continue;

            // A function has one code, but several lines.
            var place = attributed is null ? stack : attributed[stack];
            var key = (group, grouping.IsByLine ? stacks.Code[place] : stacks.Line[place]);
            var sum = ofCode.GetValueOrDefault(key);
            ofCode[key] = (sum.Bytes + bytes[stack], bytes[stack] > sum.Largest ? place : sum.Stack, Math.Max(sum.Largest, bytes[stack]));
        }

        return ofCode.GroupBy(each => each.Key.Group).ToDictionary(group => group.Key, group => group.MaxBy(each => each.Value.Bytes).Value.Stack);
    }

    /// <summary>For each group the expression that has the most in it, packed.</summary>
    private Dictionary<int, uint> LargestExpressions(Grouping grouping, bool[] isAsked)
    {
        var sizes = new Dictionary<(int Group, uint Expression), long>();
        foreach (var part in parts)
        {
            foreach (ref readonly var site in part.Sites)
            {
                var key = (Group: grouping.GroupOf(site), site.Expression);
                if (isAsked[key.Group] && key.Expression != 0)
                    sizes[key] = sizes.GetValueOrDefault(key) + site.Bytes;
            }
        }

        return sizes.GroupBy(size => size.Key.Group).ToDictionary(sizes => sizes.Key, sizes => sizes.MaxBy(size => size.Value).Key.Expression);
    }
}
