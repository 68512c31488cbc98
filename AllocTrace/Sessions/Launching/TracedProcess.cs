using AllocTrace.Wire;

namespace AllocTrace.Sessions;

/// <summary>
/// The process that writes a session, as far as this process can see it. A process of another pid namespace is looked up by its number in
/// this one. If /proc does not show it, the session's file does: a living process maps the file. If neither shows it, the process counts as
/// alive, so that its session is never removed too early. Used by one thread at a time.
/// </summary>
internal sealed unsafe class TracedProcess : IDisposable
{
    private readonly SessionFile _session;
    private readonly string _fileName;
    private readonly ProcessProbe? _probe;
    private bool _hasEnded;

    /// <param name="session">Has to live as long as this object.</param>
    public TracedProcess(SessionFile session)
    {
        var header = session.Header;
        _session = session;
        _fileName = Path.GetFileName(session.Path);
        if (Namespaces.NumberHere(header->Pid, header->PidNamespace) is not { } pid)
            return;

        NumberHere = pid;
        var isSameClock = header->TimeNamespace == Namespaces.OwnTime;
        _probe = new ProcessProbe(pid, isSameClock ? header->PidStarted : ProcessProbe.Origin(pid)?.StartedTicks ?? 0);
        _hasEnded = !isSameClock && !_probe.Maps(_fileName); // a later process of that number cannot be told by its start
    }

    /// <summary>Its number in this process's namespace; <see langword="null"/>: /proc does not show it.</summary>
    public uint? NumberHere { get; }

    /// <summary>Returns whether the process can still write.</summary>
    public bool IsAlive()
    {
        // Once is for ever: this process may itself have the file open a second time later.
        _hasEnded = _hasEnded || (_probe is null ? _session.IsOpenElsewhere() == false : !_probe.IsAlive());
        return !_hasEnded;
    }

    /// <summary>
    /// Returns true if the process still maps the session, which it does not after exec, and also if the system does not show it.
    /// </summary>
    public bool MapsSession() => _probe?.Maps(_fileName) ?? true;

    /// <summary>Returns the resident memory of the process in bytes, or <see langword="null"/> if the system does not show it.</summary>
    public long? ResidentBytes() => _probe?.ResidentBytes();

    public void Dispose() => _probe?.Dispose();
}
