namespace AllocTrace.Storage;

/// <summary>A fatal signal, and what the process was doing: a row of the table <c>crash</c>, with its threads and allocations.</summary>
/// <param name="Process">The process's number in the database.</param>
/// <param name="Signal">The signal's number.</param>
/// <param name="Name">Its name, as SIGSEGV.</param>
/// <param name="Code"><c>si_code</c>: above 0 the kernel's own; otherwise the signal was sent.</param>
/// <param name="Address">The address that could not be used; <see langword="null"/> when the signal was sent.</param>
/// <param name="SenderPid">Who sent it; <see langword="null"/>: nobody, or not known.</param>
/// <param name="AtNs">When, nanoseconds since the recording of the process began.</param>
/// <param name="OsId">The thread that got it.</param>
/// <param name="WasCollecting">Whether a garbage collection was going on.</param>
/// <param name="ThreadsInAll">How many threads there were; more than <see cref="Threads"/> when there was no room.</param>
/// <param name="NestedSignal">A fault while this was written down: what was being read then is missing.</param>
/// <param name="IsComplete">Whether the writing came to its end.</param>
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
    /// <summary>The threads, the one that got the signal first.</summary>
    public IReadOnlyList<CrashedThread> Threads { get; init; } = [];

    /// <summary>The C stack of the thread that got the signal, innermost first. Empty in recordings of older versions, and on arm64.</summary>
    public IReadOnlyList<CrashedCFrame> CFrames { get; init; } = [];

    /// <summary>True if there are older C frames, without room in the recording or not to be found.</summary>
    public bool IsCStackCut { get; init; }

    /// <summary>The last recorded calls of that thread, the last one first.</summary>
    public IReadOnlyList<LastAllocation> Allocations { get; init; } = [];
}
