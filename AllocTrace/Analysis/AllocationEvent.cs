using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>A recorded call of an allocator, from the event log of a process (option <c>events</c>).</summary>
/// <param name="TimeNs">
/// The time in nanoseconds since the recording of the process began. Up to some thousand events of a thread share one, because the clock is
/// not read for each.
/// </param>
/// <param name="Thread">The calling thread; its first row if it ran code of several interpreters.</param>
/// <param name="Domain">The domain's name.</param>
/// <param name="Kind">The kind of the call.</param>
/// <param name="Address">
/// The address of the new block, or of the freed one; <see langword="null"/> for a reallocation whose new block was not sampled.
/// </param>
/// <param name="Bytes">
/// The size of the block in bytes; <see langword="null"/> if a block is freed whose allocation is not in the log.
/// </param>
/// <param name="OldAddress">The address of the block that a reallocation ended; <see langword="null"/> for other calls.</param>
/// <param name="Stack">
/// The index of the stack that allocated the block, also for a free (<see cref="TracebackIn"/>); 0 without a Python frame.
/// </param>
/// <param name="Interpreter">CPython's id of the interpreter that allocated; <see langword="null"/> if unknown.</param>
public readonly record struct AllocationEvent(
    long TimeNs, TraceThread Thread, string Domain, AllocationKind Kind, ulong? Address, long? Bytes, ulong? OldAddress, int Stack, long? Interpreter)
{
    /// <summary>
    /// Reads the events of a process, in an order that is possible for the allocator: a block is freed before its address is used again.
    /// </summary>
    /// <param name="database">The recording, which must stay open while the sequence is read.</param>
    /// <param name="process">One of its processes. One without a log has no events.</param>
    /// <param name="filters">
    /// Lists of filters, each of which an event must pass by its domain and the stack of the allocation; <see langword="null"/> for all
    /// events.
    /// </param>
    /// <returns>The events, read while the sequence is enumerated.</returns>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static IEnumerable<AllocationEvent> Read(TraceDatabase database, TraceProcess process, IEnumerable<TraceFilter[]>? filters = null) =>
        database.EventLogs.Any(log => log.Process == process.Id) ? new EventReplay(database, process, filters ?? []).Read() : [];

    /// <summary>Returns the stack that allocated the block.</summary>
    /// <param name="database">The recording of the event.</param>
    /// <returns>The traceback, empty without a Python frame.</returns>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    public Traceback TracebackIn(TraceDatabase database) => database.Stacks.TracebackOf(Stack);
}
