using System.Globalization;

namespace AllocTrace.Stacks;

/// <summary>Explains why the system does not let one process read another (ptrace(2), "Ptrace access mode checking").</summary>
internal static class Permission
{
    /// <summary>One line.</summary>
    public static string WhyNot(uint pid)
    {
        var (ours, theirs) = (User("self"), User(pid.ToString(CultureInfo.InvariantCulture)));
        if (ours is not null && theirs is not null && ours != theirs && ours != 0)
            return $"it belongs to another user (uid {theirs}, yours is {ours}). Use sudo";

        if (Status($"{pid}", "TracerPid:") is { } tracer and not "0") // the id of its thread
            return $"process {Status(tracer, "Tgid:") ?? tracer} traces it, a debugger for instance";

        var scope = Text("/proc/sys/kernel/yama/ptrace_scope");
        if (scope is "1")
            return "kernel.yama.ptrace_scope is 1, which allows it only for child processes. Use sudo or sysctl kernel.yama.ptrace_scope=0";
        if (scope is "2")
            return "kernel.yama.ptrace_scope is 2, which allows it only to administrators. Use sudo";
        if (scope is "3")
            return "kernel.yama.ptrace_scope is 3, which forbids it until the next boot";

        return "CAP_SYS_PTRACE is needed: the process has more rights than you, or a container or sandbox forbids it (docker run --cap-add SYS_PTRACE)";
    }

    private static int? User(string process) => int.TryParse(Status(process, "Uid:"), CultureInfo.InvariantCulture, out var id) ? id : null;

    private static string? Status(string process, string what) =>
        Text($"/proc/{process}/status")?.Split('\n').FirstOrDefault(line => line.StartsWith(what, StringComparison.Ordinal))?.Split('\t') is [_, var value, ..] ? value : null;

    private static string? Text(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
