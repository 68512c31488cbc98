using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace leaks</c>.</summary>
internal sealed class LeaksReport(TraceDatabase database, IReadOnlyList<ProcessLeaks> leaks, GroupBy groupBy, int rows, string mine, IReadOnlyList<string> notes) : IReport
{
    public void WriteText(Output output)
    {
        var page = new Page(output);
        var source = SourceFiles.Of(database.Processes);
        page.Line($"{database.Path}: what kept growing, by {groupBy.ToString().ToLowerInvariant()}{mine}{Endings.Of(database, database.Processes)}", Page.Heading);
        Caveats.Write(page, database.Processes, database.Losses);
        foreach (var note in notes)
            page.Line($"NOTE: {note}", Page.Alarm);
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
        text.Notes(notes);
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
            foreach (var period in leak.Series.Periods)
                json.WriteStringValue(period);

            json.WriteEndArray();
            text.Growths("growing", leak.Growing.Take(rows == 0 ? int.MaxValue : rows));
            json.WriteNumber("threshold", leak.Growing.Threshold);
            json.WriteNumber("below_threshold", leak.Growing.Smaller);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void Write(Page page, SourceFiles source, ProcessLeaks leak)
    {
        var periods = leak.Series.Periods;
        if (periods.Count < 3)
        {
            page.Line("  Too short to judge: growth needs three periods of 10 ms, or three snapshots");
            return;
        }

        var freed = leak.Series.FreedAtEnd > 0 ? $", before {ByteSize.Format(leak.Series.FreedAtEnd)} was freed at the end" : "";
        var when = $"{periods.Count - 1} periods from {periods[0]} to {periods[^1]}{freed}";
        if (leak.Growing.Count == 0)
        {
            page.Line($"  Nothing kept growing in {when}");
            Smaller(page, leak);
            return;
        }

        page.Line($"  {when}");
        page.Line();
        Growth[] shown = [.. leak.Growing.Take(rows == 0 ? int.MaxValue : rows)];
        if (groupBy == GroupBy.Traceback)
            new TracebackList(page, source).Write([.. shown.Select(growth => new StatisticDiff(growth.Group.Size, growth.Bytes, growth.Group.Count, growth.Blocks, growth.Group.Traceback) { SizeDiffError = growth.BytesError })]);
        else
            new GrowthTable(page, source).Write(shown, periods.Count - 1);

        if (leak.Growing.Count > shown.Length)
            page.Line($"  {Numbers.Whole(leak.Growing.Count - shown.Length)} more: {Numbers.Growth(leak.Growing.Skip(shown.Length).Sum(growth => growth.Bytes))}; -n 0 shows all");

        Smaller(page, leak);
    }

    private void Smaller(Page page, ProcessLeaks leak)
    {
        var noun = groupBy switch { GroupBy.Lineno => "line", GroupBy.Filename => "file", _ => groupBy.ToString().ToLowerInvariant() };
        if (leak.Growing.Smaller > 0)
            page.Line($"  {Numbers.Of(leak.Growing.Smaller, noun)} under {ByteSize.Format(leak.Growing.Threshold)} not shown: {ByteSize.Format(leak.Growing.SmallerBytes, sign: true)}; --min 0 shows all");
    }
}
