namespace AllocTrace.Memory;

/// <summary>A mapping of a process.</summary>
/// <param name="Start">Its first address.</param>
/// <param name="End">The address behind it.</param>
/// <param name="Resident">Bytes in memory, as the system counts them.</param>
/// <param name="Huge">Bytes of these that are in transparent huge pages.</param>
/// <param name="Name">A path, a name in brackets that the system gives, or empty.</param>
internal sealed record MappedRange(ulong Start, ulong End, long Resident, long Huge, string Name)
{
    public bool IsWritable { get; init; }

    public bool IsShared { get; init; }

    /// <summary>True if the memory directly below can be neither read nor written, as below the stack of a thread.</summary>
    public bool IsGuarded { get; init; }

    /// <summary>The present pages in ascending order; <see langword="null"/> if they were not looked up.</summary>
    public IReadOnlyList<PageRun>? Pages { get; set; }

    /// <summary>True if the program's own data is in it: private, writable and of no file.</summary>
    public bool IsData => IsWritable && !IsShared && (Name == "" || Name[0] == '[');

    /// <summary>
    /// True if it is larger than 64 GiB and nearly empty, such as a sanitizer's shadow memory of 16 TiB: its pages are not looked up, which would take
    /// half a minute. Kept in step with <c>is_sparse</c> of the library's <c>capture/resident/mappings.c</c>.
    /// </summary>
    public bool IsSparse => End - Start > 1UL << 36 && (ulong)Resident < (End - Start) / 64;

    public bool IsFile => Name.StartsWith('/');
}
