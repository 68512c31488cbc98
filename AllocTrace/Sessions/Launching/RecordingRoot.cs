namespace AllocTrace.Sessions;

/// <summary>
/// The root of a recording that was not started by <c>alloctrace run</c>: the farthest ancestor of a recorded process that was started with
/// the same <c>ALLOCTRACE</c>. A shell or a server's parent may have no Python itself and start recorded processes as long as it runs.
/// </summary>
internal sealed class RecordingRoot : IDisposable
{
    private readonly ProcessProbe? _process;

    /// <param name="recorded">A process of the recording.</param>
    public RecordingRoot(uint recorded)
    {
        var pid = recorded;
        var origin = ProcessProbe.Origin(recorded);
        var value = ProcessProbe.InitialVariable(recorded, "ALLOCTRACE"u8);
        HasVariable = value is not null;
        while (value is not null && origin is { Parent: > 0 and var parent }
            && ProcessProbe.InitialVariable(parent, "ALLOCTRACE"u8) is { } inherited && inherited.AsSpan().SequenceEqual(value))
        {
            pid = parent;
            origin = ProcessProbe.Origin(parent);
        }

        _process = origin is { StartedTicks: var started } ? new ProcessProbe(pid, started) : null;
    }

    /// <summary>
    /// True if it was started with <c>ALLOCTRACE</c>; false if it started to record itself, by alloctrace.h or from outside.
    /// </summary>
    public bool HasVariable { get; }

    /// <summary>Returns whether it may start more processes.</summary>
    public bool IsAlive() => _process?.IsAlive() == true;

    public void Dispose() => _process?.Dispose();
}
