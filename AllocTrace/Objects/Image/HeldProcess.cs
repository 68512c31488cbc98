using AllocTrace.Stacks;

namespace AllocTrace.Objects;

/// <summary>All threads of a process, held where they are until this is disposed of. Used by the thread that made it.</summary>
internal sealed class HeldProcess : IDisposable
{
    private readonly Dictionary<uint, TaskStop> _threads = [];

    private HeldProcess()
    {
    }

    /// <summary>Holds every thread of a process.</summary>
    /// <param name="pid">The process; not this one.</param>
    /// <param name="why">The reason for a result of <see langword="null"/>, in one line.</param>
    /// <returns><see langword="null"/> when a thread cannot be held; no thread is held then.</returns>
    public static HeldProcess? TryHold(uint pid, out string why)
    {
        why = "";
        if (pid == Environment.ProcessId)
        {
            why = "a process cannot hold itself";
            return null;
        }

        var held = new HeldProcess();
        try
        {
            // A thread that is not held yet may start another one: looked for until there is no new one.
            for (var isComplete = false; !isComplete;)
            {
                var found = new ProcessTasks(pid);
                isComplete = true;
                foreach (var id in found.Ids.Where(id => !held._threads.ContainsKey(id)))
                {
                    isComplete = false;
                    if (TaskStop.Try(id) is { } stop)
                        held._threads.Add(id, stop);
                    else if (new ProcessTasks(pid).Contains(id))
                        throw new IOException($"thread {id} does not stop, or {Permission.WhyNot(pid)}");
                }
            }

            if (held._threads.Count > 0)
                return held;

            why = $"there is no process {pid}";
        }
        catch (IOException e)
        {
            why = e.Message;
        }

        held.Dispose();
        return null;
    }

    public void Dispose()
    {
        foreach (var thread in _threads.Values)
            thread.Dispose();

        _threads.Clear();
    }
}
