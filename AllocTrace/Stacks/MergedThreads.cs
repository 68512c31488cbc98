namespace AllocTrace.Stacks;

/// <summary>Adds C frames to the threads that an attempt found, and the threads that have no Python.</summary>
internal sealed class MergedThreads(ProcessMemory memory, CStackReader c)
{
    /// <summary>The threads without Python whose stacks were found to be whole.</summary>
    private readonly Dictionary<uint, ThreadStack> _withoutPython = [];

    /// <summary>Takes what the C stacks are found by, of all threads that stand still.</summary>
    public void Take(ProcessTasks tasks, Dictionary<uint, TaskStop> held)
    {
        try
        {
            foreach (var id in tasks.Ids.Where(id => !tasks.HasEnded(id) && !_withoutPython.ContainsKey(id)))
            {
                held.TryGetValue(id, out var stop);
                if (stop is not null || !tasks.IsRunning(id))
                    c.Take(id, stop);
            }
        }
        catch (ReadBudgetException)
        {
            // The threads that are missing say so.
        }
    }

    /// <summary>The thread with its C frames where they belong.</summary>
    /// <returns><see langword="null"/>: it must be read again.</returns>
    public ThreadStack? Merge(SeenThread seen)
    {
        var thread = seen.Thread;
        if (thread.Id == 0)
            return thread with { CProblem = "its C frames are not shown: its thread id is not known" };
        if (Walk(thread.Id) is not { } stack)
            return memory.Budget.Reason is { } reason ? thread with { CProblem = $"its C frames are not shown: {reason}" } : null;

        var inside = LoopPlaces.Find(stack, seen.Stack!, seen.Loop, out var areAllPlaced);
        return thread with
        {
            Frames = MergedFrames.Of(seen.Stack!.Frames, stack.Frames.Select(frame => frame.Place.Frame).Zip(inside)),
            CProblem = stack.Problem ?? (areAllPlaced ? null : "not all C frames are where they belong: the interpreter's loops were not found"),
        };
    }

    /// <summary>The threads that have no Python.</summary>
    public IEnumerable<ThreadStack> WithoutPython(IReadOnlyList<SeenThread> seen, ProcessTasks before, ProcessTasks after, Func<uint, bool> isWhole)
    {
        var others = seen.Select(each => each.Thread.Id).ToHashSet();
        foreach (var id in before.Ids.Where(id => !others.Contains(id) && !before.HasEnded(id) && !after.HasEnded(id)).Order())
        {
            if (!_withoutPython.TryGetValue(id, out var thread))
            {
                thread = new ThreadStack { Id = id, Name = ProcessTasks.NameOf(memory.Pid, id), IsRunning = before.IsRunning(id) };
                if (memory.Budget.Reason is { } reason)
                    thread = thread with { Frames = [], CProblem = $"its C frames are not shown: {reason}" };
                else if (isWhole(id) && Walk(id) is { } stack)
                    _withoutPython[id] = thread = thread with { Frames = MergedFrames.Of([], stack.Frames.Select(frame => (frame.Place.Frame, 0))), CProblem = stack.Problem };
                else
                    thread = thread with { Problem = ProcessStacks.Changed };
            }

            yield return thread;
        }
    }

    private CStack? Walk(uint id)
    {
        try
        {
            return c.Walk(id);
        }
        catch (ReadBudgetException)
        {
            return null;
        }
    }
}
