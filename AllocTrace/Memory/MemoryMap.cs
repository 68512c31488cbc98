namespace AllocTrace.Memory;

/// <summary>The mappings of a process at one moment, with what is known of their content.</summary>
internal sealed class MemoryMap
{
    public const ulong PageBytes = 4096;

    /// <summary>CLOCK_MONOTONIC, in the process's own time namespace.</summary>
    public ulong MonoNs { get; init; }

    /// <summary>Those with resident memory, ascending.</summary>
    public List<MappedRange> Mappings { get; } = [];

    /// <summary>Address and size of the anonymous mappings of the library.</summary>
    public List<(ulong Address, ulong Bytes)> Own { get; } = [];

    /// <summary>An address on the stack of each recorded thread, and the address of the C library's descriptor of it.</summary>
    public List<(ulong Stack, ulong Descriptor)> Stacks { get; } = [];

    public List<HeapRange> Heaps { get; } = [];

    public MemoryMissing Missing { get; set; }

    public long Resident => Mappings.Sum(mapping => mapping.Resident);

    public long Huge => Mappings.Sum(mapping => mapping.Huge);
}

/// <summary>The data that could not be read: <c>enum alloctrace_memory_missing</c>.</summary>
[Flags]
internal enum MemoryMissing
{
    None = 0,
    Mappings = 1,
    Pages = 2,
    Room = 4,
    Time = 8,

    /// <summary>The heaps, which another process may only read with the right to trace. Not in sessions.</summary>
    Heaps = 16,
}
