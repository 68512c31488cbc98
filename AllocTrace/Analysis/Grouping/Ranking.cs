namespace AllocTrace.Analysis;

/// <summary>Finds the first few of many groups without sorting all of them.</summary>
internal static class Ranking
{
    /// <summary>The <paramref name="limit"/> largest groups (0: all), the largest first.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="compare">Negative when the first one is smaller.</param>
    /// <param name="limit">The largest number of groups to list, 0 for all.</param>
    /// <param name="leaveOut">Called with each group that is not among them.</param>
    public static int[] Largest(IEnumerable<int> groups, Comparison<int> compare, int limit, Action<int> leaveOut)
    {
        if (limit == 0)
        {
            var all = groups.ToArray();
            Array.Sort(all, (a, b) => compare(b, a));
            return all;
        }

        // A heap of the largest: most groups are compared with its smallest once and forgotten.
        var largest = new PriorityQueue<int, int>(Comparer<int>.Create(compare));
        foreach (var group in groups)
        {
            if (largest.Count < limit)
                largest.Enqueue(group, group);
            else
                leaveOut(largest.EnqueueDequeue(group, group));
        }

        var ranked = new int[largest.Count];
        for (var i = ranked.Length - 1; i >= 0; i--)
            ranked[i] = largest.Dequeue();

        return ranked;
    }
}
