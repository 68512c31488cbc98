using AllocTrace.Objects;
using AllocTrace.Wire;

namespace AllocTrace;

/// <summary>Converts kinds and reasons to the words that the database, checkpoints and JSON have for them, and back.</summary>
internal static class StoredWords
{
    /// <summary>The text of the column <c>stacks</c> where there are Python stacks; any other text is the reason why there are none.</summary>
    public const string StacksOn = "on";

    public static string Word(this AllocationKind kind) => kind switch
    {
        AllocTrace.AllocationKind.Malloc => "malloc",
        AllocTrace.AllocationKind.Calloc => "calloc",
        AllocTrace.AllocationKind.Realloc => "realloc",
        _ => "free",
    };

    public static string Word(this SnapshotKind kind) => kind switch
    {
        AllocTrace.SnapshotKind.Peak => "peak",
        AllocTrace.SnapshotKind.Live => "live",
        _ => "named",
    };

    public static string Word(this ProcessEnding ending) => ending switch
    {
        AllocTrace.ProcessEnding.Exited => "exited",
        AllocTrace.ProcessEnding.Finalized => "finalized",
        AllocTrace.ProcessEnding.Killed => "killed",
        AllocTrace.ProcessEnding.Replaced => "replaced",
        AllocTrace.ProcessEnding.Stopped => "stopped",
        AllocTrace.ProcessEnding.Running => "running",
        _ => "unknown",
    };

    public static string Word(this LossReason reason) => reason switch
    {
        AllocTrace.LossReason.SlabsFull => "slabs full",
        AllocTrace.LossReason.StackNotKept => "stack not kept",
        AllocTrace.LossReason.NoThreadSlot => "no thread slot",
        AllocTrace.LossReason.SessionDamaged => "session damaged",
        AllocTrace.LossReason.CollectedBefore => "collected before",
        _ => "unknown",
    };

    public static string Word(this RuntimeFound found) => found switch
    {
        AllocTrace.RuntimeFound.AtLoad => "load",
        AllocTrace.RuntimeFound.Dlsym => "dlsym",
        AllocTrace.RuntimeFound.Getenv => "getenv",
        AllocTrace.RuntimeFound.Start => "start",
        _ => "",
    };

    public static string Word(this NativeReach reach) => reach switch
    {
        Wire.NativeReach.ByName => "name",
        Wire.NativeReach.Redirected => "import",
        _ => "none",
    };

    public static string Word(this BlockKind kind) => kind switch
    {
        Objects.BlockKind.Object => "object",
        Objects.BlockKind.Buffer => "buffer",
        Objects.BlockKind.Free => "free",
        _ => "memory",
    };

    public static string Word(this ReadingMethod method) => method switch
    {
        ReadingMethod.Copy => "copy",
        ReadingMethod.Held => "held",
        _ => "none",
    };

    /// <exception cref="InvalidCastException">It is no call of an allocator.</exception>
    public static AllocationKind AllocationKind(string word) =>
        Find<AllocationKind>(word, Word) ?? throw new InvalidCastException($"'{word}' is not a call of an allocator");

    public static SnapshotKind SnapshotKind(string word) => Find<SnapshotKind>(word, Word) ?? AllocTrace.SnapshotKind.Named;

    public static ProcessEnding ProcessEnding(string word) => Find<ProcessEnding>(word, Word) ?? AllocTrace.ProcessEnding.Unknown;

    public static LossReason LossReason(string word) => Find<LossReason>(word, Word) ?? AllocTrace.LossReason.Unknown;

    public static RuntimeFound RuntimeFound(string word) => Find<RuntimeFound>(word, Word) ?? AllocTrace.RuntimeFound.Unknown;

    public static NativeReach NativeReach(string word) => Find<NativeReach>(word, Word) ?? Wire.NativeReach.None;

    /// <returns><see langword="null"/>: it is not known what the blocks are.</returns>
    public static BlockKind? BlockKind(string word) => Find<BlockKind>(word, Word);

    private static T? Find<T>(string word, Func<T, string> wordOf)
        where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
        {
            if (wordOf(value) == word)
                return value;
        }

        return null;
    }
}
