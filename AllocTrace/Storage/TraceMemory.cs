namespace AllocTrace.Storage;

/// <summary>An account of a process's resident memory at a moment: a row of the table <c>memory</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of its process.</param>
/// <param name="Kind"><see cref="SnapshotKind.Live"/>, when finalization began, or <see cref="SnapshotKind.Named"/>.</param>
/// <param name="Name">The name of a named snapshot; else empty.</param>
/// <param name="AtNs">When, nanoseconds since the process's recording began.</param>
/// <param name="ResidentBytes">Bytes in memory, as the system counts them: the sum of the parts.</param>
/// <param name="HugeBytes">Bytes of these in transparent huge pages.</param>
/// <param name="TrimBytes">Bytes of these that glibc's <c>malloc_trim(0)</c> would have returned to the system.</param>
/// <param name="Missing">What could not be read, in bits: 1 mappings, 2 pages, 4 room in the session, 8 time for heaps, 16 heaps.</param>
public sealed record TraceMemory(long Process, SnapshotKind Kind, string Name, long AtNs, long ResidentBytes, long HugeBytes, long TrimBytes, long Missing)
{
    /// <summary>What the resident memory is.</summary>
    public IReadOnlyList<TraceMemoryPart> Parts { get; init; } = [];

    /// <summary>What live blocks keep in memory, by site.</summary>
    public IReadOnlyList<TraceHold> Holds { get; init; } = [];

    /// <summary>Bytes in live blocks, as the program requested them.</summary>
    public long LiveBytes => Parts.Sum(part => part.LiveBytes);
}

/// <summary>A part of resident memory: a row of the table <c>memory_part</c>.</summary>
/// <param name="Kind">One of <see cref="Memory.MemoryKind.All"/>.</param>
/// <param name="Name">A path, a domain; empty when the kind says it.</param>
/// <param name="ResidentBytes">Bytes in memory.</param>
/// <param name="LiveBytes">Bytes of these in live blocks, as the program requested them.</param>
public sealed record TraceMemoryPart(string Kind, string Name, long ResidentBytes, long LiveBytes);

/// <summary>What the live blocks of a site keep in memory: a row of the table <c>memory_hold</c>.</summary>
/// <param name="Site">The site's number in the database.</param>
/// <param name="Bytes">Bytes, the blocks included.</param>
/// <param name="LiveBytes">Bytes of the blocks.</param>
public sealed record TraceHold(long Site, long Bytes, long LiveBytes);

/// <summary>The control group with the lowest limit on a process's memory: a row of the table <c>control_group</c>.</summary>
/// <param name="Process">The <see cref="TraceProcess.Id"/> of the process.</param>
/// <param name="Path">Its path, as the system has it.</param>
/// <param name="LimitBytes">The limit, bytes.</param>
/// <param name="CurrentBytes">What it had in use at the last look; <see langword="null"/>: not known.</param>
/// <param name="PeakBytes">The most that it had in use; <see langword="null"/>: not known.</param>
/// <param name="Kills">How many of its processes the kernel killed for want of memory while this one was recorded.</param>
public sealed record TraceControlGroup(long Process, string Path, long LimitBytes, long? CurrentBytes, long? PeakBytes, long Kills);
