using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Differences as a table: by how much, what it is now, and where.</summary>
internal sealed class DiffTable(Page page, SourceFiles source)
{
    /// <summary>True to list below each place the changes by type of block.</summary>
    public bool ShowsTypes { get; init; }

    public void Write(IReadOnlyList<StatisticDiff> differences)
    {
        // The exact bytes of an estimate would say more than is known.
        var isSampled = differences.Any(difference => difference.SizeDiffError > 0);
        var sizes = new SizeUnit(differences.SelectMany(difference => (long[])[difference.SizeDiff, difference.Size]));
        new PlaceTable(page, source, "Growth", isSampled ? "±" : "Bytes", "Now", "Blocks", "Blocks now") { TypesOf = ShowsTypes ? about => TypeText.OfDifference(about.Types) : null }.Write(
            [.. differences.Select(difference => (difference.Group with { Types = difference.Types }, new[]
            {
                sizes.Format(difference.SizeDiff, sign: true),
                isSampled ? sizes.Format(difference.SizeDiffError) : Numbers.Signed(difference.SizeDiff),
                sizes.Format(difference.Size),
                Numbers.Signed(difference.CountDiff),
                Numbers.Whole(difference.Count),
            }))]);
    }
}
