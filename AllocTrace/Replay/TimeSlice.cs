namespace AllocTrace.Replay;

/// <summary>A slice of the recording's time. Bytes as requested by the program, but for the resident ones.</summary>
internal struct TimeSlice
{
    /// <summary>The live bytes at its end.</summary>
    public long LiveBytes;

    public long LiveBlocks;

    /// <summary>The largest amount of live bytes.</summary>
    public long HighestBytes;

    /// <summary>The highest sample of the whole process's resident memory; <see langword="null"/> when none was taken.</summary>
    public long? ResidentBytes;
}
