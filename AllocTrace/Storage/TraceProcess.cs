namespace AllocTrace.Storage;

/// <summary>A recorded process: a row of the table <c>process</c>.</summary>
/// <param name="Id">Its number in the database. A pid can occur twice (after exec, or when the system used it again), this cannot.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="ParentPid">Its parent's process id.</param>
/// <param name="Command">Its arguments, quoted as a shell needs them.</param>
/// <param name="Executable">The program file.</param>
/// <param name="PythonVersion">What <c>Py_GetVersion()</c> returned.</param>
/// <param name="Stacks"><c>on</c>, or why there are no Python stacks.</param>
/// <param name="StartedAtNs">When recording began, nanoseconds since 1970 (UTC).</param>
/// <param name="DurationNs">How long it was recorded, nanoseconds.</param>
/// <param name="Ending">How its recording ended.</param>
/// <param name="CutStacks">Stacks without their oldest frames.</param>
/// <param name="UnknownFrees">Frees of blocks from before the hook.</param>
/// <param name="TemporaryThreshold">A block is temporary if freed before this many further allocations of its thread.</param>
/// <param name="SampleBytes">
/// 0 when every allocation was recorded. Otherwise the mean bytes from one that was to the next, and all sizes and counts are estimates.
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

    /// <summary>When recording began, in UTC.</summary>
    public DateTimeOffset StartedAt => DateTimeOffset.UnixEpoch.AddTicks(StartedAtNs / TimeSpan.NanosecondsPerTick);

    /// <summary>The duration of the recording.</summary>
    public TimeSpan Duration => TimeSpan.FromTicks(DurationNs / TimeSpan.NanosecondsPerTick);
}
