using AllocTrace.Storage;

namespace AllocTrace.Report.Export.Otlp;

/// <summary>The attributes of a process, by OpenTelemetry's semantic conventions. The same attribute given twice has its last value.</summary>
internal sealed class OtlpResource
{
    public const string ServiceName = "service.name", HostName = "host.name", ContainerId = "container.id";

    private readonly SortedDictionary<string, object> _attributes = new(StringComparer.Ordinal);

    /// <summary>The attributes, by name.</summary>
    public IReadOnlyDictionary<string, object> Attributes => _attributes;

    /// <summary>Returns the attributes of a recorded process.</summary>
    public static OtlpResource Of(TraceProcess process, string service, string host) => new OtlpResource()
        .With(ServiceName, service)
        .With(HostName, host)
        .With("process.pid", process.Pid)
        .With("process.parent_pid", process.ParentPid)
        .With("process.command", process.Command.Split(' ')[0])
        .With("process.command_line", process.Command)
        .With("process.executable.path", process.Executable)
        .With("process.runtime.name", "cpython")
        .With("process.runtime.version", process.PythonVersion.Split(' ')[0]);

    /// <summary>Sets an attribute; an empty text sets nothing.</summary>
    public OtlpResource With(string name, object value)
    {
        if (value is not "")
            _attributes[name] = value;

        return this;
    }

    /// <summary>Sets attributes that a user gave.</summary>
    public OtlpResource With(IEnumerable<KeyValuePair<string, string>> labels)
    {
        foreach (var (name, value) in labels)
            With(name, value);

        return this;
    }

    /// <summary>Returns the message.</summary>
    public Resource ToMessage()
    {
        var message = new Resource();
        foreach (var (name, value) in _attributes)
            message.Attributes.Add(new KeyValue { Key = name, Value = OtlpValue.Of(value) });

        return message;
    }
}
