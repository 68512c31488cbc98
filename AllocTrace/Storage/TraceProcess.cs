namespace AllocTrace.Storage;

/// <summary>A recorded process: a row of the table <c>process</c>.</summary>
/// <param name="Id">
/// The number of the process in the database, which is unique; a pid can occur twice (after exec, or because the system reused it).
/// </param>
/// <param name="Pid">The process id, in the namespace of the process.</param>
/// <param name="ParentPid">The process id of the parent.</param>
/// <param name="Command">The arguments, quoted for a shell.</param>
/// <param name="Executable">The path of the program file.</param>
/// <param name="PythonVersion">The result of <c>Py_GetVersion()</c>.</param>
/// <param name="Stacks"><c>on</c>, or the reason for which there are no Python stacks.</param>
/// <param name="StartedAtNs">The time at which recording began, in nanoseconds since 1970 (UTC).</param>
/// <param name="DurationNs">The duration of the recording, in nanoseconds.</param>
/// <param name="Ending">The way in which the recording ended.</param>
/// <param name="CutStacks">The number of stacks that lack their oldest frames.</param>
/// <param name="UnknownFrees">The number of frees of blocks that were allocated before the hooks were installed.</param>
/// <param name="TemporaryThreshold">
/// The number of further allocations of a thread before which it must free a block for the block to count as temporary.
/// </param>
/// <param name="SampleBytes">
/// The mean number of bytes from one recorded allocation to the next: all bytes and blocks are estimates. 0 if every allocation was
/// recorded.
/// </param>
public sealed record TraceProcess(
    long Id,
    long Pid,
    long ParentPid,
    string Command,
    string Executable,
    string PythonVersion,
    string Stacks,
    long StartedAtNs,
    long DurationNs,
    ProcessEnding Ending,
    long CutStacks,
    long UnknownFrees,
    long TemporaryThreshold,
    long SampleBytes)
{
    /// <summary>True if allocations were recorded with Python stacks.</summary>
    public bool HasStacks => Stacks == StoredWords.StacksOn;

    /// <summary>The time at which recording began, in UTC.</summary>
    public DateTimeOffset StartedAt => DateTimeOffset.UnixEpoch.AddTicks(StartedAtNs / TimeSpan.NanosecondsPerTick);

    /// <summary>The duration of the recording.</summary>
    public TimeSpan Duration => TimeSpan.FromTicks(DurationNs / TimeSpan.NanosecondsPerTick);
}
