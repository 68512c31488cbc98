namespace AllocTrace.Stacks;

/// <summary>The threads of a process as the system sees them, at one moment.</summary>
internal sealed class ProcessTasks
{
    private readonly Dictionary<uint, (char State, string Switches)> _tasks = [];

    /// <exception cref="IOException">There is no such process.</exception>
    public ProcessTasks(uint pid)
    {
        try
        {
            foreach (var folder in Directory.EnumerateDirectories($"/proc/{pid}/task"))
            {
                if (uint.TryParse(Path.GetFileName(folder), out var id) && Look(folder) is { } task)
                    _tasks.Add(id, task);
            }
        }
        catch (DirectoryNotFoundException)
        {
            throw new IOException($"there is no process {pid}");
        }
    }

    public IEnumerable<uint> Ids => _tasks.Keys;

    public bool Contains(uint id) => _tasks.ContainsKey(id);

    /// <summary>Returns true for a thread that has ended and is only listed: a process's first thread is, while others run.</summary>
    public bool HasEnded(uint id) => !_tasks.TryGetValue(id, out var task) || task.State is 'Z' or 'X';

    public bool IsRunning(uint id) => _tasks.TryGetValue(id, out var task) && task.State == 'R';

    /// <summary>
    /// Returns true if a thread waited then, waits now, and did not run in between: each start and stop on a processor is counted.
    /// </summary>
    public bool StoodStill(uint id, ProcessTasks now) =>
        _tasks.TryGetValue(id, out var then) && now._tasks.TryGetValue(id, out var today) && then == today && then.State != 'R';

    /// <summary>The name of a thread, as the system has it; empty if it has ended.</summary>
    public static string NameOf(uint pid, uint task)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/task/{task}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static (char State, string Switches)? Look(string folder)
    {
        try
        {
            var status = File.ReadAllText(folder + "/stat");
            var switches = File.ReadLines(folder + "/status").Where(line => line.Contains("ctxt_switches", StringComparison.Ordinal));
            return (status[status.LastIndexOf(')') + 2], string.Join(' ', switches));
        }
        catch (IOException)
        {
            return null; // it has ended
        }
    }
}
