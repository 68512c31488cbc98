using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Writes the table of what kept growing: growth, present size, course and place.</summary>
internal sealed class GrowthTable(Page page, SourceFiles source)
{
    /// <summary>Writes the table.</summary>
    /// <param name="growing">The rows.</param>
    /// <param name="periods">The number of periods after the first.</param>
    public void Write(IReadOnlyList<Growth> growing, int periods)
    {
        var isSampled = growing.Any(growth => growth.BytesError > 0);
        string[] error = isSampled ? ["±"] : [];
        var sizes = new SizeUnit(growing.SelectMany(growth => (long[])[growth.Bytes, growth.Group.Size]));
        new PlaceTable(page, source, ["Growth", .. error, "Now", "Course", "Blocks", "Grew in"]) { TypesOf = statistic => TypeText.Of(statistic.Types) }.Write(
            [.. growing.Select(growth => (growth.Group, (string[])
            [
                sizes.Format(growth.Bytes, sign: true),
                .. isSampled ? (string[])[sizes.Format(growth.BytesError)] : [],
                sizes.Format(growth.Group.Size),
                Sparkline.Of(growth.BytesByPeriod),
                Numbers.Signed(growth.Blocks),
                $"{growth.Grown} of {periods}",
            ]))],
            indent: 2);
    }
}
