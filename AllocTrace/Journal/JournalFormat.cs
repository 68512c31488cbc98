using System.Runtime.InteropServices;
using System.Text.RegularExpressions;


namespace AllocTrace.Journal;

/// <summary>
/// The layout of a journal: the file beside a session that keeps the records which the collector has taken out of the session. A header,
/// then entries up to <see cref="JournalHead.Committed"/>, in the byte order of the machine. docs/wire-format.md describes it in prose.
/// </summary>
internal static partial class JournalFormat
{
    public const ulong Magic = 0x4C4E524A434F4C41; // the bytes "ALOCJRNL"
    public const uint Version = 2;
    public const int HeadBytes = 4096;

    /// <summary>The highest N of temporary blocks: a free looks through the addresses of N allocations.</summary>
    public const int MostTemporaryThreshold = 1024;

    /// <summary>In the place of a journal's number: what was taken out of the session is in a database.</summary>
    public const ulong Taken = ulong.MaxValue;

    private const string Suffix = ".journal", CheckpointSuffix = ".checkpoint";

    private const int CommittedBits = 40;

    /// <summary>Returns the path of a session's journal. Others cannot guess the number, which is in the session's header.</summary>
    public static string PathOf(string session, ulong number) => $"{session}.{number:x16}{Suffix}";

    /// <summary>The checkpoint that the journal continues.</summary>
    public static string CheckpointOf(string session, ulong number) => $"{session}.{number:x16}{CheckpointSuffix}";

    /// <summary>Removes what collectors left beside a session, which is removed already.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    public static void RemoveBeside(string session)
    {
        foreach (var file in FolderFiles.Of(Path.GetDirectoryName(session)!, $"{Path.GetFileName(session)}."))
        {
            if (SessionOf(file) == session)
                File.Delete(file);
        }
    }

    /// <summary>The session that a journal, checkpoint, log of events or live snapshot belongs to, unfinished ones too; <see langword="null"/>: the file is something else.</summary>
    public static string? SessionOf(string file) => Companion().Match(file) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>Returns the size of an entry in bytes: entries begin at multiples of 32, as wide copies require.</summary>
    public static long Padded(int length) => ((long)length + JournalEntry.Bytes - 1) & -JournalEntry.Bytes;

    /// <summary>Returns the number of bytes of the file, the head included, that are entries of this generation.</summary>
    public static long BytesOf(ulong committed) => (long)(committed & ((1UL << CommittedBits) - 1));

    /// <summary>Returns the checkpoint that precedes the entries; 0 if there is none and they begin with the recording.</summary>
    public static uint GenerationOf(ulong committed) => (uint)(committed >> CommittedBits);

    /// <summary>Both in one word, so that they change at once.</summary>
    public static ulong Committed(uint generation, long bytes) => (ulong)generation << CommittedBits | (ulong)bytes;

    [GeneratedRegex(@"^(.*\.alloctrace)\.([0-9a-f]{16}\.(journal|checkpoint|checkpoint\.new|events)|live|live\.[^/]*\.unfinished)$", RegexOptions.Singleline)]
    private static partial Regex Companion();
}

/// <summary>The first bytes of a journal.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct JournalHead
{
    [FieldOffset(0)] public ulong Magic;
    [FieldOffset(8)] public uint Version;

    /// <summary>The session of the journal: pid, pid_started and started_mono_ns.</summary>
    [FieldOffset(12)] public uint Pid;
    [FieldOffset(16)] public ulong PidStarted;
    [FieldOffset(24)] public ulong StartedMonoNs;

    /// <summary>A block is temporary if its thread frees it before this many further allocations of its own.</summary>
    [FieldOffset(32)] public int TemporaryThreshold;

    /// <summary>Stored after the entries that it announces.</summary>
    [FieldOffset(64)] public ulong Committed;
}

/// <summary>The kind of a journal entry.</summary>
internal enum JournalKind : uint
{
    /// <summary>A thread was met. First: its start, second: the system's number.</summary>
    Thread = 1,

    /// <summary>A slab that will be released. First: its sequence number, second: its number; then its bytes.</summary>
    Slab = 2,

    /// <summary>A thread has ended and is drained. First: when, second: its lost events; then its name.</summary>
    End = 3,

    /// <summary>First: the time, second: the process's resident bytes.</summary>
    Resident = 4,

    /// <summary>
    /// A requested snapshot; slot: the request's number. First: the number of positions that follow; then these, then the name.
    /// </summary>
    Snapshot = 5,
}

/// <summary>The head of an entry, 32 bytes; entries are multiples of that.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct JournalEntry
{
    public const int Bytes = 32;

    [FieldOffset(0)] public JournalKind Kind;

    /// <summary>With this head, without what fills it up to a multiple of 32.</summary>
    [FieldOffset(4)] public int Length;
    [FieldOffset(8)] public uint Slot;
    [FieldOffset(12)] public uint Incarnation;
    [FieldOffset(16)] public ulong First;
    [FieldOffset(24)] public ulong Second;
}

/// <summary>The position of a thread's replay when a snapshot was taken.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct JournalPosition
{
    public const int Bytes = 16;

    [FieldOffset(0)] public uint Slot;
    [FieldOffset(4)] public uint Incarnation;
    [FieldOffset(8)] public ulong Position;
}
