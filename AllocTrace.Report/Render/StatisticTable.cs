using AllocTrace.Analysis;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AllocTrace.Report.Render;

/// <summary>Statistics as a table: size, share, count, average and where, with the line of source when it is at hand.</summary>
internal sealed class StatisticTable(Page page, SourceLines source)
{
    private const int NarrowestPlace = 24;

    /// <summary>Writes the table.</summary>
    /// <param name="statistics">The rows.</param>
    /// <param name="total">What 100% is, bytes.</param>
    /// <param name="indent">How far to indent, columns.</param>
    public void Write(IReadOnlyList<Statistic> statistics, long total, int indent = 0)
    {
        var table = Page.NewTable(
            ("Size", Justify.Right),
            ("%", Justify.Right),
            ("Count", Justify.Right),
            ("Average", Justify.Right),
            ("Where", Justify.Left));
        var cells = statistics.Select(statistic => new[]
        {
            ByteSize.Format(statistic.Size),
            Numbers.Percent(statistic.Size, total),
            Numbers.Whole(statistic.Count),
            ByteSize.Format(statistic.Average),
        }).ToArray();

        // What the figures leave of the terminal is for the place.
        var figures = table.Columns.Take(4).Select((_, i) => cells.Select(row => row[i].Length).Append("Average".Length).Max() + 2).Sum();
        var width = page.TerminalWidth is { } columns ? Math.Max(columns - figures - indent - 2, NarrowestPlace) : int.MaxValue;
        foreach (var (statistic, row) in statistics.Zip(cells))
            table.AddRow([.. row.Select(cell => new Text(cell)), Where(statistic, width)]);

        page.Table(table, indent);
    }

    private IRenderable Where(Statistic statistic, int width)
    {
        var place = new Text(Place.Describe(statistic, width)) { Overflow = Overflow.Ellipsis };
        if (statistic.Traceback.Newest is not { Function.Length: > 0 } frame || source.Find(frame.Filename, frame.LineNumber) is not { } line)
            return place;

        return new Rows(place, new Text("  " + Printable.Text(line), Page.Dim) { Overflow = Overflow.Ellipsis });
    }
}
