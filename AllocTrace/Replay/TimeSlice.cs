namespace AllocTrace.Replay;

/// <summary>A slice of the recording's time. Bytes as requested by the program, but for the resident ones.</summary>
internal struct TimeSlice
{
    /// <summary>Alive at its end.</summary>
    public long LiveBytes;

    public long LiveBlocks;

    /// <summary>Alive at its highest.</summary>
    public long HighestBytes;

    /// <summary>The highest sample of the whole process's resident memory; <see langword="null"/> when none was taken.</summary>
    public long? ResidentBytes;
}
