using AllocTrace.Stacks;

namespace AllocTrace.Storage;

/// <summary>A fatal signal, with the stacks of all threads and the last allocations: a row of the table <c>crash</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Signal">The number of the signal.</param>
/// <param name="Name">The name of the signal, for example SIGSEGV.</param>
/// <param name="Code"><c>si_code</c>: above 0 if the kernel raised the signal; otherwise a process sent it.</param>
/// <param name="Address">The address of the failed access; <see langword="null"/> if the signal was sent.</param>
/// <param name="SenderPid">
/// The process id of the sender; <see langword="null"/> if the signal was not sent, or the sender is unknown.
/// </param>
/// <param name="AtNs">The time of the signal, in nanoseconds since the recording of the process began.</param>
/// <param name="OsId">The id of the thread that received it.</param>
/// <param name="WasCollecting">True if a garbage collection was running.</param>
/// <param name="ThreadsInAll">
/// The number of threads of the process; more than <see cref="Threads"/> has if there was no room for all.
/// </param>
/// <param name="NestedSignal">
/// The number of a signal that was raised while the report was written: the part that was being read is missing. <see langword="null"/> if
/// there was none.
/// </param>
/// <param name="IsComplete">True if the report was written to its end.</param>
public sealed record TraceCrash(
    long Process,
    long Signal,
    string Name,
    long Code,
    long? Address,
    long? SenderPid,
    long AtNs,
    long OsId,
    bool WasCollecting,
    long ThreadsInAll,
    long? NestedSignal,
    bool IsComplete)
{
    /// <summary>The threads; the one that received the signal comes first.</summary>
    public IReadOnlyList<CrashedThread> Threads { get; init; } = [];

    /// <summary>
    /// The C stack of the thread that received the signal, innermost first. Empty in recordings of older versions, and on arm64.
    /// </summary>
    public IReadOnlyList<CrashedCFrame> CFrames { get; init; } = [];

    /// <summary>
    /// The Python and C frames of the thread that received the signal, oldest first, each where it belongs. <see langword="null"/> in
    /// recordings of older versions, which do not have that.
    /// </summary>
    public IReadOnlyList<StackFrame>? MergedFrames { get; init; }

    /// <summary>True if older C frames are missing: there was no room for them, or they could not be found.</summary>
    public bool IsCStackCut { get; init; }

    /// <summary>The last recorded calls of the thread that received the signal, the last one first.</summary>
    public IReadOnlyList<LastAllocation> Allocations { get; init; } = [];
}
