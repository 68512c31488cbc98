using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>What <c>alloctrace leaks</c> found.</summary>
internal sealed class LeaksReport(TraceDatabase database, IReadOnlyList<ProcessLeaks> leaks, GroupBy groupBy, int rows)
{
    public void WriteText(Output output)
    {
        var page = new Page(output);
        var source = SourceFiles.Of(database.Processes);
        page.Line($"{database.Path}: what kept growing, by {groupBy.ToString().ToLowerInvariant()}", Page.Heading);
        Caveats.Write(page, database.Processes, database.Losses);
        foreach (var leak in leaks)
        {
            page.Line();
            if (leak.Process is { } process)
                page.Line($"Process {Place.Process(process)}", Page.Heading);

            Write(page, source, leak);
        }
    }

    private void Write(Page page, SourceFiles source, ProcessLeaks leak)
    {
        if (leak.Periods.Count < 3)
        {
            page.Line("  Too short to tell: three periods of 10 ms, or three snapshots, are needed");
            return;
        }

        var when = $"{leak.Periods.Count - 1} periods from {leak.Periods[0]} to {leak.Periods[^1]}";
        if (leak.Growing.Count == 0)
        {
            page.Line($"  Nothing kept growing in {when}");
            return;
        }

        page.Line($"  {when}");
        page.Line();
        Growth[] shown = [.. leak.Growing.Take(rows == 0 ? int.MaxValue : rows)];
        if (groupBy == GroupBy.Traceback)
            new TracebackList(page, source).Write([.. shown.Select(growth => new StatisticDiff(growth.Group.Size, growth.Bytes, growth.Group.Count, growth.Blocks, growth.Group.Traceback))]);
        else
            Table(page, source, leak, shown);

        if (leak.Growing.Count > shown.Length)
            page.Line($"  {Numbers.Whole(leak.Growing.Count - shown.Length)} more: {Numbers.Growth(leak.Growing.Skip(shown.Length).Sum(growth => growth.Bytes))}");
    }

    private static void Table(Page page, SourceFiles source, ProcessLeaks leak, Growth[] shown) =>
        new PlaceTable(page, source, "Growth", "Blocks", "Now", "Grew in", "Course").Write(
            [.. shown.Select(growth => (growth.Group, new[]
            {
                ByteSize.Format(growth.Bytes, sign: true),
                Numbers.Signed(growth.Blocks),
                ByteSize.Format(growth.Group.Size),
                $"{growth.Grown} of {leak.Periods.Count - 1}",
                Sparkline.Of(growth.Sizes),
            }))],
            indent: 2);
}
