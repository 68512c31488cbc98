using AllocTrace.Analysis;
using AllocTrace.Memory;
using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>Says in words what parts of resident memory are, and what returns them to the system.</summary>
internal static class MemoryWords
{
    /// <summary>A share of resident memory that is worth a remedy, and the least bytes.</summary>
    private const double LeastShare = 0.02;

    private const long LeastBytes = 1 << 20;

    /// <summary>The name of a part in a table.</summary>
    public static string Label(TraceMemoryPart part) => part.Kind switch
    {
        MemoryKind.ArenaLive => "Arenas: live blocks",
        MemoryKind.ArenaSlack => "Arenas: between live blocks",
        MemoryKind.ArenaEmpty => "Arenas: pages without a block",
        MemoryKind.Arena => "Arenas",
        MemoryKind.MimallocLive => "mimalloc: live blocks",
        MemoryKind.MimallocSlack => "mimalloc: between live blocks",
        MemoryKind.MimallocEmpty => "mimalloc: pages without a block",
        MemoryKind.HeapLive => part.Name == "" ? "C heap: Python blocks" : $"C heap: blocks of domain {part.Name}",
        MemoryKind.HeapUnrecorded => "C heap: not recorded",
        MemoryKind.HeapFree => "C heap: free in between",
        MemoryKind.HeapTop => "C heap: free at the top",
        MemoryKind.Mapped => part.Name == "" ? "Large Python blocks" : $"Large blocks of domain {part.Name}",
        MemoryKind.Stacks => "Thread stacks",
        MemoryKind.File => part.Name,
        MemoryKind.AllocTrace => "AllocTrace",
        _ => $"Other: {part.Name}",
    };

    /// <summary>A remark on a part; empty if its name says enough.</summary>
    public static string Explain(TraceMemoryPart part) => part.Kind switch
    {
        MemoryKind.HeapUnrecorded => "in use by C code",
        MemoryKind.Mapped => "each with a mapping of its own",
        MemoryKind.AllocTrace => "its session, tables and library: not there without it",
        _ => "",
    };

    /// <summary>Returns the notes on an account.</summary>
    public static IReadOnlyList<string> Notes(TraceMemory account, TraceProcess process)
    {
        var missing = (MemoryMissing)account.Missing;
        var notes = new List<string>();
        if (process.SampleBytes != 0)
            notes.Add("allocations were sampled: which pages hold live blocks is not known");
        if (missing.HasFlag(MemoryMissing.Mappings))
            notes.Add("the process could not read /proc/self/smaps: nothing is known of its mappings");
        if (missing.HasFlag(MemoryMissing.Pages))
            notes.Add("/proc/PID/pagemap could not be read: which pages are resident is not known");
        if (missing.HasFlag(MemoryMissing.Room))
            notes.Add("the session was full: a part of the account is missing");
        if (missing.HasFlag(MemoryMissing.Time))
            notes.Add("the C heap was too large to walk in 200 ms: the rest counts as not recorded");
        if (missing.HasFlag(MemoryMissing.Heaps))
            notes.Add("the C heap could not be read, which needs the right to trace the process: all of it counts as in use");
        return notes;
    }

    /// <summary>Returns the actions that would return memory to the system, the most effective first.</summary>
    public static IReadOnlyList<string> Remedies(TraceMemory account)
    {
        var least = Math.Max(LeastBytes, (long)(account.ResidentBytes * LeastShare));
        (long Bytes, string Text)[] all =
        [
            (account.TrimBytes, "glibc keeps it in the C heap: malloc_trim(0) returns it, in Python ctypes.CDLL(None).malloc_trim(0)"),
            (Sum(MemoryKind.ArenaEmpty), "pages of arenas without a block: an arena is returned when its last block is freed. Make what lives long before or after what is many, or in "
                + "another process"),
            (Sum(MemoryKind.ArenaSlack), "between live blocks in arenas: new small blocks fill it; only freeing the blocks returns it"),
            (Sum(MemoryKind.MimallocEmpty), "pages of mimalloc without a block: mimalloc returns them after a delay (MIMALLOC_PURGE_DELAY)"),
            (Sum(MemoryKind.HeapUnrecorded), "in use by C code that is not recorded, extension modules and libraries: 'alloctrace run --native malloc' records it, with its lines"),
            (Sum(MemoryKind.Stacks), "stacks of threads: fewer threads, or a smaller threading.stack_size()"),
        ];
        return [.. all.Where(each => each.Bytes >= least).OrderByDescending(each => each.Bytes).Select(each => $"{ByteSize.Format(each.Bytes),9}  {each.Text}")];

        long Sum(string kind) => account.Parts.Where(part => part.Kind == kind).Sum(part => part.ResidentBytes);
    }

    /// <summary>Returns one line for overviews; <see langword="null"/> if nothing is known.</summary>
    public static string? Line(ResidentMemory memory, string databasePath)
    {
        if (memory.WasKilledAtLimit)
            return $"killed at its limit of {ByteSize.Format(memory.Group!.LimitBytes)}: 'alloctrace memory {ShellWord.Quote(databasePath)}' says what was alive";
        if (memory.Account is not { ResidentBytes: > 0 } account)
            return null;

        var highest = memory.HighestBytes is { } seen && seen > account.ResidentBytes ? $"resident {ByteSize.Format(seen)} at the highest, " : "";
        var explained = memory.Process.SampleBytes != 0 // which pages they are on is not known
            ? ""
            : $" live blocks explain {ByteSize.Format(account.LiveBytes)} ({Numbers.Percent(account.LiveBytes, account.ResidentBytes)});";
        return $"{highest}resident {ByteSize.Format(account.ResidentBytes)} at the end;{explained} 'alloctrace memory {ShellWord.Quote(databasePath)}' says where the rest is";
    }
}
