using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The memory of one group of allocations.</summary>
/// <param name="Size">Bytes as requested by the program.</param>
/// <param name="Count">Blocks.</param>
/// <param name="Traceback">
/// Where: whole for <see cref="GroupBy.Traceback"/>, one frame for groups of frames, empty for other groups and for allocations that no
/// Python frame led to.
/// </param>
public sealed record Statistic(long Size, long Count, Traceback Traceback)
{
    /// <summary>The domain's name, for <see cref="GroupBy.Domain"/> only.</summary>
    public string? Domain { get; init; }

    /// <summary>The thread, for <see cref="GroupBy.Thread"/> only.</summary>
    public TraceThread? Thread { get; init; }

    /// <summary>The process, for <see cref="GroupBy.Process"/> and <see cref="GroupBy.Thread"/> only.</summary>
    public TraceProcess? Process { get; init; }

    /// <summary>What the blocks are, for <see cref="GroupBy.Type"/> only.</summary>
    public BlockType? Type { get; init; }

    /// <summary>The types of the blocks, most bytes first; empty unless the snapshot has types, and for <see cref="GroupBy.Type"/>.</summary>
    public IReadOnlyList<TypeAmount> Types { get; init; } = [];

    /// <summary>
    /// The bytes that would be freed with the blocks, if the snapshot has types: at most this many where blocks of several types or lines hold each other.
    /// </summary>
    public long? Retained { get; init; }

    /// <summary>When allocations were sampled: the true size is within this many bytes of <see cref="Size"/> in 95 of 100 cases.</summary>
    public long SizeError { get; init; }

    /// <summary>When allocations were sampled: the true count is within this many blocks of <see cref="Count"/> in 95 of 100 cases.</summary>
    public long CountError { get; init; }

    /// <summary>
    /// The expression of the newest frame's line that allocated the most; <see langword="null"/> when it is not known (before CPython 3.11, and
    /// where the compiler left no columns) or the statistic is not by line or traceback.
    /// </summary>
    public Expression? Expression { get; init; }

    /// <summary>Bytes of an average block; 0 when there is none.</summary>
    public double Average => Count == 0 ? 0 : (double)Size / Count;

    /// <summary>The statistic as tracemalloc prints it.</summary>
    public override string ToString()
    {
        var text = $"{Traceback}: size={ByteSize.Format(Size)}, count={Count}";
        return Count == 0 ? text : $"{text}, average={ByteSize.Format(Average)}";
    }
}
