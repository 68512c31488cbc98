using AllocTrace.Journal;

namespace AllocTrace.Replay;

/// <summary>
/// The time of a recording in slices of equal width. The width doubles when there would be too many, so a recording of any length has
/// between 128 and 256 of them once it is longer than 2.56 s. Times are nanoseconds since the recording began.
/// </summary>
internal sealed class Timeline
{
    public const int MaxSlices = 256;

    private readonly TimeSlice[] _slices = new TimeSlice[MaxSlices];

    public Timeline() => _slices[0] = new TimeSlice();

    /// <summary>The width of a slice.</summary>
    public long WidthNs { get; private set; } = 10_000_000;

    /// <summary>The slice that is being filled.</summary>
    public int Current { get; private set; }

    public ReadOnlySpan<TimeSlice> Slices => _slices.AsSpan(0, Current + 1);

    /// <summary>Returns true if a time is after the current slice.</summary>
    public bool IsPast(long nowNs) => nowNs / WidthNs > Current;

    /// <summary>Returns whether a moment is only reached by doubling the width.</summary>
    public bool IsBeyond(long nowNs) => nowNs / WidthNs >= MaxSlices;

    /// <summary>Notes the live amounts at the end of the current slice, or up to now, and their maximum.</summary>
    public void Close(long liveBytes, long liveBlocks, long highestBytes)
    {
        ref var slice = ref _slices[Current];
        slice.LiveBytes = liveBytes;
        slice.LiveBlocks = liveBlocks;
        slice.HighestBytes = Math.Max(slice.HighestBytes, highestBytes);
    }

    /// <summary>Advances to the slice of a moment; nothing happens in those between. The current one must have been closed.</summary>
    public void MoveTo(long nowNs)
    {
        var live = _slices[Current];
        for (var target = (int)(nowNs / WidthNs); Current < target;)
        {
            _slices[++Current] = new TimeSlice
            {
                LiveBytes = live.LiveBytes,
                LiveBlocks = live.LiveBlocks,
                HighestBytes = live.LiveBytes,
            };
        }
    }

    /// <summary>Merges each two slices into one of double width.</summary>
    public void DoubleWidth()
    {
        for (var i = 0; i <= Current / 2; i++)
        {
            var first = _slices[2 * i];
            _slices[i] = 2 * i + 1 <= Current ? Merge(first, _slices[2 * i + 1]) : first;
        }

        Current /= 2;
        WidthNs *= 2;
    }

    /// <summary>Notes how much of the process is in memory, bytes.</summary>
    public void SampleResident(long bytes)
    {
        ref var slice = ref _slices[Current];
        slice.ResidentBytes = Math.Max(slice.ResidentBytes ?? 0, bytes);
    }

    public void Save(BinaryWriter writer)
    {
        writer.Write(WidthNs);
        writer.Write(Current);
        foreach (ref readonly var slice in Slices)
            writer.WriteAll([slice.LiveBytes, slice.LiveBlocks, slice.HighestBytes, slice.ResidentBytes ?? -1]);
    }

    /// <returns>True if it could be.</returns>
    public bool TryLoad(BinaryReader reader)
    {
        WidthNs = reader.ReadInt64();
        Current = reader.ReadInt32();
        if (WidthNs <= 0 || Current is < 0 or >= MaxSlices)
            return false;

        for (var i = 0; i <= Current; i++)
        {
            if (reader.ReadAll<long>() is not [var bytes, var blocks, var highest, var resident])
                return false;

            _slices[i] = new TimeSlice { LiveBytes = bytes, LiveBlocks = blocks, HighestBytes = highest, ResidentBytes = resident < 0 ? null : resident };
        }

        return true;
    }

    private static TimeSlice Merge(in TimeSlice first, in TimeSlice second) => new()
    {
        LiveBytes = second.LiveBytes,
        LiveBlocks = second.LiveBlocks,
        HighestBytes = Math.Max(first.HighestBytes, second.HighestBytes),
        ResidentBytes = first.ResidentBytes is { } a && second.ResidentBytes is { } b ? Math.Max(a, b) : first.ResidentBytes ?? second.ResidentBytes,
    };
}
