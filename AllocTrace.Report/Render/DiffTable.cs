using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Differences as a table: by how much, what it is now, and where.</summary>
internal sealed class DiffTable(Page page, SourceFiles source)
{
    public void Write(IReadOnlyList<StatisticDiff> differences) => new PlaceTable(page, source, "Growth", "Bytes", "Now", "Blocks", "Count").Write(
        [.. differences.Select(difference => (difference.Group, new[]
        {
            ByteSize.Format(difference.SizeDiff, sign: true),
            Numbers.Signed(difference.SizeDiff),
            ByteSize.Format(difference.Size),
            Numbers.Signed(difference.CountDiff),
            Numbers.Whole(difference.Count),
        }))]);
}
