namespace AllocTrace.Replay;

/// <summary>The sums of a site from the beginning of the recording to the end of a slice in which it did something; or, as a row, within it.</summary>
internal struct SliceEntry
{
    public int Slice;
    public uint Site;
    public long AllocatedBytes;
    public long AllocatedBlocks;
    public long FreedBytes;
    public long FreedBlocks;
}
