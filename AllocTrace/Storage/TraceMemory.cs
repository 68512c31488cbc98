namespace AllocTrace.Storage;

/// <summary>An account of the resident memory of a process: a row of the table <c>memory</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Kind">
/// The occasion: <see cref="SnapshotKind.Live"/> for the beginning of finalization, or <see cref="SnapshotKind.Named"/>.
/// </param>
/// <param name="Name">The name of a named snapshot, otherwise empty.</param>
/// <param name="AtNs">The time of the account, in nanoseconds since the recording of the process began.</param>
/// <param name="ResidentBytes">The resident memory in bytes, as the system counts it: the sum of the parts.</param>
/// <param name="HugeBytes">The part of it that is in transparent huge pages, in bytes.</param>
/// <param name="TrimBytes">The part of it that glibc's <c>malloc_trim(0)</c> would have returned to the system, in bytes.</param>
/// <param name="Missing">
/// A set of bits that says which data could not be read: 1 mappings, 2 pages, 4 room in the session, 8 time for heaps, 16 heaps.
/// </param>
public sealed record TraceMemory(long Process, SnapshotKind Kind, string Name, long AtNs, long ResidentBytes, long HugeBytes, long TrimBytes, long Missing)
{
    /// <summary>The resident memory by kind and name, in the order of the database.</summary>
    public IReadOnlyList<TraceMemoryPart> Parts { get; init; } = [];

    /// <summary>The memory that live blocks keep resident, by site.</summary>
    public IReadOnlyList<TraceHold> Holds { get; init; } = [];

    /// <summary>The live blocks in bytes, as requested by the program.</summary>
    public long LiveBytes => Parts.Sum(part => part.LiveBytes);
}

/// <summary>A part of resident memory: a row of the table <c>memory_part</c>.</summary>
/// <param name="Kind">One of <see cref="Memory.MemoryKind.All"/>.</param>
/// <param name="Name">A path or a domain; empty if the kind needs no name.</param>
/// <param name="ResidentBytes">The size of the part in memory, in bytes.</param>
/// <param name="LiveBytes">The live blocks in it, in bytes as requested by the program.</param>
public sealed record TraceMemoryPart(string Kind, string Name, long ResidentBytes, long LiveBytes);

/// <summary>The memory that the live blocks of a site keep resident: a row of the table <c>memory_hold</c>.</summary>
/// <param name="Site">The number of the site in the table <c>site</c>.</param>
/// <param name="Bytes">The memory that is kept, in bytes, including the blocks themselves.</param>
/// <param name="LiveBytes">The blocks alone, in bytes.</param>
public sealed record TraceHold(long Site, long Bytes, long LiveBytes);

/// <summary>The control group with the lowest limit on a process's memory: a row of the table <c>control_group</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Path">The path of the group, as <c>/proc/PID/cgroup</c> has it.</param>
/// <param name="LimitBytes">The limit, in bytes.</param>
/// <param name="CurrentBytes">The memory in use when it was last read, in bytes; <see langword="null"/> if unknown.</param>
/// <param name="PeakBytes">The largest amount of memory in use, in bytes; <see langword="null"/> if unknown.</param>
/// <param name="Kills">The number of its processes that the kernel killed for lack of memory while this one was recorded.</param>
public sealed record TraceControlGroup(long Process, string Path, long LimitBytes, long? CurrentBytes, long? PeakBytes, long Kills);
