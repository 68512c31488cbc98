using System.Runtime.InteropServices;

namespace AllocTrace.Replay;

/// <summary>The sums of a site so far: the part that every event touches, one cache line. Live is allocated minus freed.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct ReplayedSite
{
    public long AllocatedBytes;
    public long AllocatedBlocks;
    public long FreedBytes;
    public long FreedBlocks;
    public long TemporaryBytes;
    public long TemporaryBlocks;

    /// <summary>
    /// The moment of the last change: a counter of <see cref="BlockReplay"/> that grows with each new peak and each new slice.
    /// </summary>
    public ulong Moment;

    /// <summary>The <see cref="ThreadReplay.Index"/> of the thread that allocates.</summary>
    public int Thread;

    public int Domain;

    public readonly long LiveBytes => AllocatedBytes - FreedBytes;

    public readonly long LiveBlocks => AllocatedBlocks - FreedBlocks;
}
