namespace AllocTrace.Report.Agent;

/// <summary>The options of an agent.</summary>
internal sealed record AgentOptions
{
    /// <summary>Session files, folders of them, or the value that <c>ALLOCTRACE</c> has.</summary>
    public required IReadOnlyList<string> Sessions { get; init; }

    /// <summary>The folder of the databases.</summary>
    public required string Folder { get; init; }

    /// <summary>The length of a period.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The time for which a period is kept.</summary>
    public TimeSpan Keep { get; init; } = TimeSpan.FromHours(24);

    /// <summary>The largest size of all databases, bytes.</summary>
    public long Limit { get; init; } = 2L << 30;

    /// <summary>The largest size of what waits to be sent, bytes.</summary>
    public long Queue { get; init; } = 256 << 20;

    /// <summary>The service of all processes; <see langword="null"/>: each process's own.</summary>
    public string? Service { get; init; }

    /// <summary>The machine.</summary>
    public string Host { get; init; } = Environment.MachineName;

    /// <summary>Further attributes of all processes.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>True if requests are made.</summary>
    public bool HasReceiver { get; init; }

    /// <summary>See <c>RecordingOptions.TemporaryThreshold</c>.</summary>
    public int TemporaryThreshold { get; init; } = 1;
}
