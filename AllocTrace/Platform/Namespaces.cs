using System.Globalization;

namespace AllocTrace.Platform;

/// <summary>
/// The pid and time namespaces of processes (namespaces(7)), by the numbers that /proc/PID/ns gives them. In another pid namespace a process's number
/// means another process, or none; in another time namespace its start and its clock are shifted.
/// </summary>
internal static class Namespaces
{
    /// <summary>The namespace of this process; 0 if the system does not show it.</summary>
    public static ulong OwnPid { get; } = Of("self", "pid");

    public static ulong OwnTime { get; } = Of("self", "time");

    /// <summary>Returns the pid in this namespace of a process of another one.</summary>
    /// <param name="pid">Its number there.</param>
    /// <param name="pidNamespace">The namespace; 0 if unknown.</param>
    /// <returns><see langword="null"/>: /proc of this process does not show it. It has ended, or its namespace is not below this one.</returns>
    public static uint? NumberHere(uint pid, ulong pidNamespace)
    {
        if (pidNamespace == 0)
            return null;

        if (pidNamespace == OwnPid)
            return pid;

        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (uint.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var number) && InnermostNumber(number) == pid && Of($"{number}", "pid") == pidNamespace)
                return number;
        }

        return null;
    }

    private static ulong Of(string process, string kind)
    {
        try
        {
            // kind:[number]
            var text = new FileInfo($"/proc/{process}/ns/{kind}").LinkTarget;
            return text is not null && ulong.TryParse(text.AsSpan(text.IndexOf('[') + 1).TrimEnd(']'), CultureInfo.InvariantCulture, out var number) ? number : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>The last number of the line NSpid of proc_pid_status(5): the one in the process's own namespace.</summary>
    private static uint InnermostNumber(uint number)
    {
        try
        {
            var line = File.ReadLines($"/proc/{number}/status").FirstOrDefault(line => line.StartsWith("NSpid:", StringComparison.Ordinal));
            return line is not null && uint.TryParse(line.AsSpan(line.LastIndexOf('\t') + 1), CultureInfo.InvariantCulture, out var inner) ? inner : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // it has ended
        }
    }
}
