namespace AllocTrace.Memory;

/// <summary>The kinds of parts of resident memory, in the order in which reports list them. Databases and JSON have these words.</summary>
public static class MemoryKind
{
    /// <summary>Live blocks in pymalloc's arenas.</summary>
    public const string ArenaLive = "arena live";

    /// <summary>Free space in pages of arenas that hold live blocks.</summary>
    public const string ArenaSlack = "arena slack";

    /// <summary>Pages of arenas without a live block.</summary>
    public const string ArenaEmpty = "arena empty";

    /// <summary>Arenas of a sampled recording, whose filling is unknown.</summary>
    public const string Arena = "arena";

    /// <summary>Live blocks in the heaps of mimalloc, which free-threaded CPython uses.</summary>
    public const string MimallocLive = "mimalloc live";

    /// <summary>Free space in pages of mimalloc that hold live blocks.</summary>
    public const string MimallocSlack = "mimalloc slack";

    /// <summary>Pages of mimalloc without a live block.</summary>
    public const string MimallocEmpty = "mimalloc empty";

    /// <summary>Recorded blocks in glibc's heaps.</summary>
    public const string HeapLive = "heap live";

    /// <summary>Blocks in use in glibc's heaps that were not recorded: those of C code, or from before the recording.</summary>
    public const string HeapUnrecorded = "heap unrecorded";

    /// <summary>Free space in glibc's heaps below blocks in use.</summary>
    public const string HeapFree = "heap free";

    /// <summary>Free space at the upper end of glibc's heaps.</summary>
    public const string HeapTop = "heap top";

    /// <summary>Recorded blocks with a mapping of their own.</summary>
    public const string Mapped = "mapped blocks";

    /// <summary>Stacks of threads, the main one included.</summary>
    public const string Stacks = "stacks";

    /// <summary>Code and data of a file; the name is its path.</summary>
    public const string File = "file";

    /// <summary>The memory of AllocTrace itself: its session, its tables, its library.</summary>
    public const string AllocTrace = "alloctrace";

    /// <summary>All other memory, by the name that the system has for it.</summary>
    public const string Other = "other";

    /// <summary>All kinds, in the order of reports.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        ArenaLive, ArenaSlack, ArenaEmpty, Arena, MimallocLive, MimallocSlack, MimallocEmpty, HeapLive, HeapUnrecorded, HeapFree, HeapTop, Mapped, Stacks, File,
        AllocTrace, Other,
    ];

    /// <summary>Returns true for the kinds whose live bytes are recorded blocks.</summary>
    internal static bool HasBlocks(string kind) => kind is ArenaLive or MimallocLive or HeapLive or Mapped;
}
