using System.Globalization;

namespace AllocTrace.Platform;

/// <summary>
/// The control group (cgroups(7)) with the lowest limit on a process's memory: of version 2, or the memory controller of version 1. The files of a group
/// can be read after the process has ended, as long as the group is there. Used by one thread.
/// </summary>
internal sealed class ControlGroup
{
    /// <summary>The largest number of whole pages, which version 1 writes for "no limit".</summary>
    private const long NoLimit = 1L << 60;

    private readonly string _folder;
    private readonly bool _isFirstVersion;
    private readonly long _killsBefore;
    private long _kills;

    private ControlGroup(string folder, string path, bool isFirstVersion, long limit)
    {
        _folder = folder;
        _isFirstVersion = isFirstVersion;
        Path = path;
        LimitBytes = limit;
        _killsBefore = _kills = ReadKills();
        Look();
    }

    /// <summary>Its path, as the system has it.</summary>
    public string Path { get; }

    /// <summary>The limit in bytes, read when the recording began.</summary>
    public long? LimitBytes { get; }

    /// <summary>The memory in use when it was last read, in bytes.</summary>
    public long? CurrentBytes { get; private set; }

    /// <summary>The largest amount of memory in use, in bytes; version 2 has it from Linux 5.19 on.</summary>
    public long? PeakBytes { get; private set; }

    /// <summary>The number of its processes that the kernel killed for lack of memory since the recording began.</summary>
    public long Kills => _kills - _killsBefore;

    /// <summary>Finds it.</summary>
    /// <returns>The group, or <see langword="null"/> if no group of the process has a limit, or the system does not show it.</returns>
    public static ControlGroup? Of(uint pid)
    {
        try
        {
            foreach (var line in File.ReadLines($"/proc/{pid}/cgroup"))
            {
                if (line.Split(':', 3) is not [_, var controllers, var path] || !(controllers == "" || controllers.Split(',').Contains("memory")))
                    continue;

                var isFirstVersion = controllers != "";
                if (Lowest(isFirstVersion ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup", path, isFirstVersion) is var (folder, limit))
                    return new ControlGroup(folder, path, isFirstVersion, limit);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
        }

        return null;
    }

    /// <summary>Reads what changes. What cannot be read any more stays unchanged.</summary>
    public void Look()
    {
        CurrentBytes = Number(_isFirstVersion ? "memory.usage_in_bytes" : "memory.current") ?? CurrentBytes;
        PeakBytes = Number(_isFirstVersion ? "memory.max_usage_in_bytes" : "memory.peak") ?? PeakBytes;
        _kills = ReadKills();
    }

    /// <summary>A group's limit holds for all groups below it.</summary>
    private static (string Folder, long Limit)? Lowest(string root, string path, bool isFirstVersion)
    {
        (string Folder, long Limit)? lowest = null;
        for (var part = path.TrimEnd('/'); ; part = part[..part.LastIndexOf('/')])
        {
            var folder = root + part;
            if (ReadNumber(folder + (isFirstVersion ? "/memory.limit_in_bytes" : "/memory.max")) is < NoLimit and var limit && !(lowest?.Limit <= limit))
                lowest = (folder, limit);

            if (part.LastIndexOf('/') < 0)
                return lowest;
        }
    }

    private long ReadKills()
    {
        try
        {
            var line = File.ReadLines($"{_folder}/{(_isFirstVersion ? "memory.oom_control" : "memory.events")}").FirstOrDefault(line => line.StartsWith("oom_kill ", StringComparison.Ordinal));
            return line is not null && long.TryParse(line.AsSpan("oom_kill ".Length), CultureInfo.InvariantCulture, out var kills) ? kills : _kills;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return _kills;
        }
    }

    private long? Number(string file) => ReadNumber($"{_folder}/{file}");

    private static long? ReadNumber(string path)
    {
        try
        {
            return long.TryParse(File.ReadAllText(path).AsSpan().Trim(), CultureInfo.InvariantCulture, out var number) ? number : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
