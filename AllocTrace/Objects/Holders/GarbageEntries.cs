namespace AllocTrace.Objects;

/// <summary>
/// Chooses blocks of the garbage from which all of it is reached: one of each ring that nothing else in the garbage refers to. They stand for roots when it is
/// computed what the garbage retains.
/// </summary>
internal static class GarbageEntries
{
    /// <summary>Returns the entries, in no particular order.</summary>
    public static List<int> Find(HeapGraph graph, ShortestPaths paths)
    {
        var finished = DepthFirst(graph, paths);
        if (finished.Count == 0)
            return [];

        var entries = new List<int>();
        using var seen = new Column<bool>(graph.Blocks.Length);
        var stack = new Stack<int>();

        // The block that is finished last is in a component to which no other one refers (Kosaraju).
        for (var i = finished.Count - 1; i >= 0; i--)
        {
            if (seen[finished[i]])
                continue;

            seen[finished[i]] = true;

            entries.Add(finished[i]);
            stack.Push(finished[i]);
            while (stack.TryPop(out var block))
            {
                foreach (var target in graph.References.References(block))
                {
                    if (paths.IsReached(target) || seen[target])
                        continue;

                    seen[target] = true;
                    stack.Push(target);
                }
            }
        }

        return entries;
    }

    /// <summary>Returns the garbage in the order in which a search in depth leaves it.</summary>
    private static List<int> DepthFirst(HeapGraph graph, ShortestPaths paths)
    {
        var finished = new List<int>();
        using var seen = new Column<bool>(graph.Blocks.Length);
        var stack = new Stack<(int Block, int Next)>();
        for (var i = 0; i < graph.Blocks.Length; i++)
        {
            if (!paths.IsGarbage(i) || seen[i])
                continue;

            seen[i] = true;

            stack.Push((i, 0));
            while (stack.TryPop(out var top))
            {
                var references = graph.References.References(top.Block);
                var next = top.Next;
                while (next < references.Length && (paths.IsReached(references[next]) || seen[references[next]]))
                    next++;

                if (next == references.Length)
                {
                    finished.Add(top.Block);
                    continue;
                }

                seen[references[next]] = true;
                stack.Push((top.Block, next + 1));
                stack.Push((references[next], 0));
            }
        }

        return finished;
    }
}
