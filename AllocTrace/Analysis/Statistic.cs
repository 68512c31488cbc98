using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>The memory of one group of allocations, like <c>tracemalloc.Statistic</c>.</summary>
/// <param name="Size">The size of the blocks together, in bytes as requested by the program.</param>
/// <param name="Count">The number of blocks.</param>
/// <param name="Traceback">
/// The place: a whole stack for <see cref="GroupBy.Traceback"/>, one frame for groups of frames, empty for other groups and for allocations
/// without a Python frame.
/// </param>
public sealed record Statistic(long Size, long Count, Traceback Traceback)
{
    /// <summary>The domain's name, for <see cref="GroupBy.Domain"/> only.</summary>
    public string? Domain { get; init; }

    /// <summary>The thread, for <see cref="GroupBy.Thread"/> only.</summary>
    public TraceThread? Thread { get; init; }

    /// <summary>The process, for <see cref="GroupBy.Process"/> and <see cref="GroupBy.Thread"/> only.</summary>
    public TraceProcess? Process { get; init; }

    /// <summary>The type of the blocks, for <see cref="GroupBy.Type"/> only.</summary>
    public BlockType? Type { get; init; }

    /// <summary>The types of the blocks, most bytes first; empty unless the snapshot has types, and for <see cref="GroupBy.Type"/>.</summary>
    public IReadOnlyList<TypeAmount> Types { get; init; } = [];

    /// <summary>
    /// The bytes that would be freed with the blocks; an upper bound if blocks of several groups hold each other. <see langword="null"/>
    /// unless the snapshot has types.
    /// </summary>
    public long? Retained { get; init; }

    /// <summary>The bytes by which <see cref="Size"/> may be off in 95 of 100 cases; 0 unless allocations were sampled.</summary>
    public long SizeError { get; init; }

    /// <summary>The blocks by which <see cref="Count"/> may be off in 95 of 100 cases; 0 unless allocations were sampled.</summary>
    public long CountError { get; init; }

    /// <summary>
    /// The expression of the newest frame's line that allocated the most; <see langword="null"/> if it is unknown (before CPython 3.11, or
    /// if the compiler stored no columns), or the groups are neither lines nor tracebacks.
    /// </summary>
    public Expression? Expression { get; init; }

    /// <summary>The mean size of a block, in bytes; 0 if there is none.</summary>
    public double Average => Count == 0 ? 0 : (double)Size / Count;

    /// <summary>Formats the statistic as tracemalloc does.</summary>
    /// <returns>The text, one line.</returns>
    public override string ToString()
    {
        var text = $"{Traceback}: size={ByteSize.Format(Size)}, count={Count}";
        return Count == 0 ? text : $"{text}, average={ByteSize.Format(Average)}";
    }
}
