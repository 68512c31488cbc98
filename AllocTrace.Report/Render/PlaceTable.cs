using AllocTrace.Analysis;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AllocTrace.Report.Render;

/// <summary>
/// A table of right-aligned figures with their places: as much of the place as fits into the terminal, always with the file's name and the
/// line. Below it is the source line if it can be read, with carets under the expression that allocated.
/// </summary>
/// <param name="page">The page to write to.</param>
/// <param name="source">The files.</param>
/// <param name="figures">The columns.</param>
internal sealed class PlaceTable(Page page, SourceFiles source, params IReadOnlyList<string> figures)
{
    private const int NarrowestPlace = 16;

    /// <summary>Returns the text about the types of a row's blocks, to write below its place; <see langword="null"/> for no text.</summary>
    public Func<Statistic, string>? TypesOf { get; init; }

    /// <summary>Writes the table.</summary>
    /// <param name="rows">The places of the rows, and their figures.</param>
    /// <param name="indent">The indentation, in columns.</param>
    public void Write(IReadOnlyList<(Statistic About, string[] Figures)> rows, int indent = 0)
    {
        // The place gets the columns that the figures leave. If these are too few, the last figures are left out.
        int[] widths = [.. Enumerable.Range(0, figures.Count).Select(i => rows.Select(row => row.Figures[i].Length).Append(figures[i].Length).Max() + 2)];
        var shown = widths.Length;
        var room = (page.TerminalWidth ?? int.MaxValue) - indent - widths.Sum();
        var needed = rows.Select(row => Place.LeastWidth(row.About)).Append(NarrowestPlace).Max();
        while (shown > 1 && room < needed)
            room += widths[--shown];

        var width = Math.Max(room, needed);
        var table = Page.NewTable([.. figures.Take(shown).Select(name => (name, Justify.Right)), ("Where", Justify.Left)]);
        foreach (var (about, cells) in rows)
            table.AddRow([.. cells.Take(shown).Select(cell => new Text(cell)), Where(about, width)]);

        page.Table(table, indent, leastWidth: indent + widths.Take(shown).Sum() + width);
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..(width - 1)] + "…";

    private IRenderable Where(Statistic statistic, int width)
    {
        var lines = new List<IRenderable> { new Text(Cut(Place.Describe(statistic, width), width)) };
        if (statistic.Traceback.Newest is { Function.Length: > 0 } frame && SourceMark.Find(source, frame, statistic.Expression) is { } line)
        {
            lines.Add(new Text(Cut("  " + Printable.Text(line.Text), width), Page.Dim));
            if (line.Carets is { } carets && carets.IndexOf('^') < width - 3)
                lines.Add(new Text("  " + carets[..Math.Min(carets.Length, width - 3)], Page.Dim));
        }

        if (TypesOf?.Invoke(statistic) is { Length: > 0 } types)
            lines.Add(new Text(Cut("  " + types, width)));

        return lines.Count == 1 ? lines[0] : new Rows(lines);
    }
}
