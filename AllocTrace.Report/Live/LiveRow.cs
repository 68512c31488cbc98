using AllocTrace.Analysis;

namespace AllocTrace.Report.Live;

/// <summary>One group of a <see cref="LiveSample"/>.</summary>
/// <param name="about">The description of the row.</param>
internal sealed class LiveRow(Statistic about)
{
    public Statistic About { get; } = about;

    public MemoryAmount Live { get; set; }

    /// <summary>Bytes since the recording began.</summary>
    public long AllocatedBytes { get; set; }

    /// <summary>Bytes since the recording began.</summary>
    public long TemporaryBytes { get; set; }
}
