using AllocTrace.Analysis;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary>Writes what waits for the cyclic garbage collector, for <c>alloctrace holders FILE garbage</c>.</summary>
internal sealed class GarbageReport(TypedSelection selection, IReadOnlyList<GarbageOfLine> garbage) : IReport
{
    private MemoryAmount Total => new(garbage.Sum(each => each.Statistic.Size), garbage.Sum(each => each.Statistic.Count));

    public void WriteText(Output output)
    {
        var page = selection.Begin(output, "objects that wait for the cyclic garbage collector");
        page.Line();
        if (garbage.Count == 0)
        {
            page.Line("None: a root reaches every object");
            return;
        }

        var sizes = new SizeUnit(garbage.Select(each => each.Statistic.Size));
        GarbageOfLine[] shown = [.. selection.Shown(garbage)];
        new PlaceTable(page, selection.Sources, "Size", "Objects", "Type")
            .Write([.. shown.Select(each => (each.Statistic, (string[])[sizes.Format(each.Statistic.Size), Numbers.Whole(each.Statistic.Count), Printable.Text(each.Type.ToString())]))]);
        page.Line();
        if (garbage.Count > shown.Length)
            page.Line($"{Numbers.Whole(garbage.Count - shown.Length)} more: {Numbers.Size(garbage.Skip(shown.Length).Sum(each => each.Statistic.Size))}; -n 0 shows all");

        page.Line($"Total: {Numbers.Size(Total.Bytes)} in {Numbers.Of(Total.Blocks, "object")}", Page.Heading);
    }

    public void WriteJson(TextWriter target)
    {
        using var text = selection.BeginJson(target);
        text.BytesAndBlocks("total", Total);
        text.Statistics("garbage", selection.Shown(garbage).Select(each => each.Statistic with { Type = each.Type }));
        text.Json.WriteEndObject();
    }
}
