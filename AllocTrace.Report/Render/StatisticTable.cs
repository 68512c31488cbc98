using AllocTrace.Analysis;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AllocTrace.Report.Render;

/// <summary>
/// Statistics as a table: size, exact bytes, share, count and where, with the line of source when it is at hand. Averages are left out, so that
/// a terminal of 80 columns has room for the place.
/// </summary>
internal sealed class StatisticTable(Page page, SourceFiles source)
{
    private const int NarrowestPlace = 16;

    private static readonly string[] _figures = ["Size", "Bytes", "%", "Count"];

    /// <summary>Writes the table.</summary>
    /// <param name="statistics">The rows.</param>
    /// <param name="total">What 100% is, bytes.</param>
    /// <param name="indent">How far to indent, columns.</param>
    public void Write(IReadOnlyList<Statistic> statistics, long total, int indent = 0)
    {
        var cells = statistics.Select(statistic => new[]
        {
            ByteSize.Format(statistic.Size),
            Numbers.Whole(statistic.Size),
            Numbers.Percent(statistic.Size, total),
            Numbers.Whole(statistic.Count),
        }).ToArray();

        // What the figures leave of the terminal is for the place.
        var widths = Enumerable.Range(0, _figures.Length).Select(i => cells.Select(row => row[i].Length).Append(_figures[i].Length).Max() + 2);
        var width = page.TerminalWidth is { } columns ? Math.Max(columns - widths.Sum() - indent, NarrowestPlace) : int.MaxValue;
        var table = Page.NewTable([.. _figures.Select(name => (name, Justify.Right)), ("Where", Justify.Left)]);
        foreach (var (statistic, row) in statistics.Zip(cells))
            table.AddRow([.. row.Select(cell => new Text(cell)), Where(statistic, width)]);

        page.Table(table, indent);
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..(width - 1)] + "…";

    private IRenderable Where(Statistic statistic, int width)
    {
        var place = new Text(Cut(Place.Describe(statistic, width), width));
        if (statistic.Traceback.Newest is not { Function.Length: > 0 } frame || source.Find(frame.Filename, frame.LineNumber) is not { } line)
            return place;

        return new Rows(place, new Text(Cut("  " + Printable.Text(line), width), Page.Dim));
    }
}
