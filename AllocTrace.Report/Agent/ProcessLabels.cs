using System.Text.RegularExpressions;
using AllocTrace.Report.Export;
using AllocTrace.Report.Export.Otlp;
using AllocTrace.Storage;

namespace AllocTrace.Report.Agent;

/// <summary>Finds the labels of a followed process, from its session and from the system while it lives.</summary>
internal static partial class ProcessLabels
{
    private const int MostBytes = 1 << 20;

    /// <summary>Returns the attributes of a process, by OpenTelemetry's semantic conventions. What a user gave counts most.</summary>
    public static OtlpResource Of(ProcessDescription process, AgentOptions options)
    {
        var environment = Text(process.PidHere, "environ").Split('\0');
        return new OtlpResource()
            .With(OtlpResource.ServiceName, options.Service ?? Variable(environment, "OTEL_SERVICE_NAME") ?? ServiceName.Of(process.Arguments, process.Executable))
            .With(OtlpResource.HostName, options.Host)
            .With(OtlpResource.ContainerId, ContainerIn(Text(process.PidHere, "cgroup")) ?? "")
            .With("process.pid", (long)process.Pid)
            .With("process.parent_pid", (long)process.ParentPid)
            .With("process.command", process.Arguments.FirstOrDefault() ?? "")
            .With("process.command_line", process.Command)
            .With("process.executable.path", process.Executable)
            .With("process.runtime.name", "cpython")
            .With("process.runtime.version", process.PythonVersion.Split(' ')[0])
            .With(options.Labels);
    }

    /// <summary>Returns the container that a process's control groups name: Docker, containerd, CRI-O and Podman use 64 hexadecimal digits.</summary>
    internal static string? ContainerIn(string groups) => ContainerId().Matches(groups).LastOrDefault()?.Value;

    private static string? Variable(string[] environment, string name) =>
        environment.FirstOrDefault(each => each.StartsWith($"{name}=", StringComparison.Ordinal))?[(name.Length + 1)..] is { Length: > 0 } value ? value : null;

    /// <summary>A file of /proc; empty when the process has ended, or is another user's.</summary>
    private static string Text(uint? pid, string name)
    {
        if (pid is null)
            return "";

        try
        {
            using var file = File.OpenRead($"/proc/{pid}/{name}");
            var bytes = new byte[MostBytes];
            return System.Text.Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    [GeneratedRegex(@"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")]
    private static partial Regex ContainerId();
}
