using AllocTrace.Analysis;
using AllocTrace.Report.Export;
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

    public void WriteJson(TextWriter target)
    {
        using var text = new JsonText(target);
        var json = text.Json;
        json.WriteStartObject();
        json.WriteString("group_by", groupBy.ToString().ToLowerInvariant());
        text.Lost(database.Losses.Sum(loss => loss.Events));
        json.WriteStartArray("series");
        foreach (var leak in leaks)
        {
            json.WriteStartObject();
            if (leak.Process is { } process)
            {
                json.WriteStartObject("process");
                json.WriteNumber("pid", process.Pid);
                json.WriteString("command", process.Command);
                json.WriteEndObject();
            }

            json.WriteStartArray("periods");
            foreach (var period in leak.Periods)
                json.WriteStringValue(period);

            json.WriteEndArray();
            text.Growths("growing", leak.Growing.Take(rows == 0 ? int.MaxValue : rows));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
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
            new TracebackList(page, source).Write([.. shown.Select(growth => new StatisticDiff(growth.Group.Size, growth.Bytes, growth.Group.Count, growth.Blocks, growth.Group.Traceback) { SizeDiffError = growth.BytesError })]);
        else
            Table(page, source, leak, shown);

        if (leak.Growing.Count > shown.Length)
            page.Line($"  {Numbers.Whole(leak.Growing.Count - shown.Length)} more: {Numbers.Growth(leak.Growing.Skip(shown.Length).Sum(growth => growth.Bytes))}");
    }

    private static void Table(Page page, SourceFiles source, ProcessLeaks leak, Growth[] shown)
    {
        var isSampled = shown.Any(growth => growth.BytesError > 0);
        string[] error = isSampled ? ["±"] : [];
        new PlaceTable(page, source, ["Growth", .. error, "Blocks", "Now", "Grew in", "Course"]).Write(
            [.. shown.Select(growth => (growth.Group, (string[])
            [
                ByteSize.Format(growth.Bytes, sign: true),
                .. isSampled ? (string[])[ByteSize.Format(growth.BytesError)] : [],
                Numbers.Signed(growth.Blocks),
                ByteSize.Format(growth.Group.Size),
                $"{growth.Grown} of {leak.Periods.Count - 1}",
                Sparkline.Of(growth.Sizes),
            ]))],
            indent: 2);
    }
}
