using AllocTrace.Wire;

namespace AllocTrace.Storage;

/// <summary>The description of a process in its session.</summary>
/// <param name="Session">The path of the session.</param>
/// <param name="Pid">Its number in its own namespace.</param>
/// <param name="PidHere">Its number here; <see langword="null"/>: the system does not show it.</param>
/// <param name="ParentPid">Its parent's number.</param>
/// <param name="Arguments">Its arguments, the program's name first.</param>
/// <param name="Executable">The program file.</param>
/// <param name="PythonVersion">The result of <c>Py_GetVersion()</c>.</param>
/// <param name="Stacks"><c>on</c>, or why there are no Python stacks.</param>
/// <param name="StartedNs">The time at which recording began, in nanoseconds since 1970.</param>
/// <param name="TemporaryThreshold">See <see cref="TraceProcess"/>.</param>
/// <param name="SampleBytes">See <see cref="TraceProcess"/>.</param>
internal sealed record ProcessDescription(
    string Session, uint Pid, uint? PidHere, uint ParentPid, string[] Arguments, string Executable, string PythonVersion, string Stacks, long StartedNs,
    int TemporaryThreshold, long SampleBytes)
{
    /// <summary>The arguments, quoted as a shell needs them.</summary>
    public string Command => ShellQuoting.Join(Arguments);

    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidTraceException">Its strings are damaged.</exception>
    public static unsafe ProcessDescription Read(SessionFile session, int temporaryThreshold)
    {
        var header = session.Header;
        return new ProcessDescription(
            session.Path, header->Pid, Namespaces.NumberHere(header->Pid, header->PidNamespace), header->ParentPid, session.String(header->CommandLine).TrimEnd('\0').Split('\0'),
            session.String(header->Executable), session.RuntimeCount > 0 ? session.String(session.Runtime(0)->Version) : "", ProcessWriter.StacksOf(session), (long)header->StartedNs,
            temporaryThreshold, (long)header->SampleBytes);
    }
}
