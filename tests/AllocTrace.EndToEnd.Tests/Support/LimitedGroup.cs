namespace AllocTrace.EndToEnd.Tests;

/// <summary>A control group with a limit on memory, of the system's version; removed at the end.</summary>
internal sealed class LimitedGroup : IDisposable
{
    private readonly string _folder;

    private LimitedGroup(string folder) => _folder = folder;

    /// <summary>The file to which the pid of a process that joins is written.</summary>
    public string Processes => Path.Combine(_folder, "cgroup.procs");

    public static LimitedGroup? TryCreate(long bytes)
    {
        (string Folder, string Limit)[] versions = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        foreach (var (root, limit) in versions)
        {
            var folder = Path.Combine(root, $"alloctrace-test-{Environment.ProcessId}");
            try
            {
                Directory.CreateDirectory(folder);
                File.WriteAllText(Path.Combine(folder, limit), $"{bytes}");
                return new LimitedGroup(folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Remove(folder);
            }
        }

        return null;
    }

    public void Dispose() => Remove(_folder);

    // Its files are the system's: the folder goes without them.
    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder);
    }
}
