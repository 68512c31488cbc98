using System.Globalization;

namespace AllocTrace.Attaching;

/// <summary>Reads /proc/PID/status of a process: its user, and its tracer.</summary>
internal sealed class TargetStatus
{
    private readonly Dictionary<string, string> _fields;

    private TargetStatus(Dictionary<string, string> fields) => _fields = fields;

    /// <summary>True if the process is a zombie: it has ended, and its parent has not read its exit code.</summary>
    public bool IsOver => this["State"].StartsWith('Z') || this["State"].StartsWith('X');

    /// <summary>The process that traces it (a debugger, strace); 0 if none does.</summary>
    public uint Tracer => Numbers("TracerPid")[0];

    /// <summary>The user with whose rights it opens files.</summary>
    public uint User => Numbers("Uid")[^1];

    public uint Group => Numbers("Gid")[^1];

    public uint[] Groups => Numbers("Groups");

    private string this[string name] => _fields.GetValueOrDefault(name, "");

    /// <returns><see langword="null"/> when there is no such process.</returns>
    public static TargetStatus? Of(uint pid)
    {
        try
        {
            return new(File.ReadLines($"/proc/{pid}/status").Select(line => line.Split(":\t", 2)).Where(line => line.Length == 2).ToDictionary(line => line[0], line => line[1]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Returns the likely reason for which the system forbids this process to read that one, in a few words.</summary>
    public string WhyNot()
    {
        var own = Of((uint)Environment.ProcessId);
        if (own is { User: not 0 } && own.User != User)
            return $"it belongs to another user (uid {User}). Run as that user or as root";

        return Scope() switch
        {
            3 => "/proc/sys/kernel/yama/ptrace_scope is 3, which forbids it until the next boot",
            2 or 1 when own is { User: not 0 } => $"/proc/sys/kernel/yama/ptrace_scope is {Scope()}, which allows it only to root. Run as root",
            _ => "the system forbids it: the process has more rights than you, or this container lacks CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE)",
        };
    }

    private static int Scope()
    {
        try
        {
            return int.Parse(File.ReadAllText("/proc/sys/kernel/yama/ptrace_scope"), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return 0;
        }
    }

    private uint[] Numbers(string name) => [.. this[name].Split(['\t', ' '], StringSplitOptions.RemoveEmptyEntries).Select(number => uint.Parse(number, CultureInfo.InvariantCulture))];
}
