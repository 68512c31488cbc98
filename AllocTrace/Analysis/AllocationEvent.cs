using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>A call that the hooks saw, from the event log of a process (option <c>events</c>).</summary>
/// <param name="TimeNs">Since the process's recording began. Events of a thread within some thousand share one: no clock is read for each.</param>
/// <param name="Thread">Who called; of a thread that ran code of several interpreters, its first row.</param>
/// <param name="Domain">The domain's name.</param>
/// <param name="Kind">What was called.</param>
/// <param name="Address">The block: the new one, or that which was freed. <see langword="null"/>: when sampling, a reallocation whose new block was not chosen.</param>
/// <param name="Bytes">Bytes of the block; <see langword="null"/> when a block is freed whose allocation is not in the log.</param>
/// <param name="OldAddress">The block that a reallocation ended.</param>
/// <param name="Stack">Index of the stack, 0 without a Python frame: of the allocation, also where the block is freed.</param>
/// <param name="Interpreter">CPython's number of the interpreter that allocated; <see langword="null"/> when that is not known.</param>
public readonly record struct AllocationEvent(
    long TimeNs, TraceThread Thread, string Domain, AllocationKind Kind, ulong? Address, long? Bytes, ulong? OldAddress, int Stack, long? Interpreter)
{
    /// <summary>Reads the events of a process in an order in which the allocator can have acted.</summary>
    /// <param name="database">The recording; it has to stay open while they are read.</param>
    /// <param name="process">One of its processes. One without a log has no events.</param>
    /// <param name="filters">What to leave out: an event has to pass each of the lists, by its domain and the stack of the allocation.</param>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static IEnumerable<AllocationEvent> Read(TraceDatabase database, TraceProcess process, IEnumerable<TraceFilter[]>? filters = null) =>
        database.EventLogs.Any(log => log.Process == process.Id) ? new EventReplay(database, process, filters ?? []).Read() : [];

    /// <summary>The stack of the allocation.</summary>
    public Traceback TracebackIn(TraceDatabase database) => database.Stacks.TracebackOf(Stack);
}
