using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace summary</c> in each format.</summary>
internal sealed class SummaryReport(TraceDatabase database, IReadOnlyList<ProcessSummary> processes) : IReport
{
    public void WriteText(Output output)
    {
        var (page, text) = (new Page(output), new SummaryText(database));
        page.Line($"{database.Path}: {Numbers.Of(processes.Count, "process", "processes")}{Endings.Of(database, processes.Select(summary => summary.Process))}", Page.Heading);
        foreach (var summary in processes)
        {
            page.Line();
            text.WriteProcess(page, summary);
        }

        page.Line();
        NextSteps.Write(page, database.Path);
    }

    public void WriteJson(TextWriter target)
    {
        using var text = new JsonText(target);
        var json = text.Json;
        json.WriteStartObject();
        text.Lost(processes.Sum(summary => summary.Losses.Sum(loss => loss.Events)));
        json.WriteStartArray("processes");
        foreach (var summary in processes)
            SummaryJson.WriteProcess(text, database, summary);

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public void WriteCsv(Output output)
    {
        using var csv = new CsvText(output.Out, forTerminal: output.TerminalWidth is not null);
        csv.Header(
            "pid", "command", "python_version", "started_at", "duration_ns", "ending", "stacks", "allocated_size", "allocated_count", "freed_size",
            "freed_count", "temporary_size", "temporary_count", "peak_size", "peak_count", "peak_at_ns", "live_size", "live_count", "lost_events");
        foreach (var (process, peak, live, usage, _, _, _, _, losses) in processes)
        {
            csv.Row(
                process.Pid,
                process.Command,
                process.PythonVersion,
                SummaryJson.Timestamp(process),
                process.DurationNs,
                process.Ending.Word(),
                process.Stacks,
                usage.Allocated.Bytes,
                usage.Allocated.Blocks,
                usage.Freed.Bytes,
                usage.Freed.Blocks,
                usage.Temporary.Bytes,
                usage.Temporary.Blocks,
                peak?.Bytes,
                peak?.Blocks,
                peak?.AtNs,
                live?.Bytes,
                live?.Blocks,
                losses.Sum(loss => loss.Events));
        }
    }
}
