using System.Globalization;
using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;
using Spectre.Console;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace summary</c> in each format.</summary>
internal sealed class SummaryReport(TraceDatabase database, IReadOnlyList<ProcessSummary> processes)
{
    private const int MostThreads = 10;
    private const int Indent = 2;

    public void WriteText(Output output)
    {
        var page = new Page(output);
        page.Line($"{database.Path}: {Numbers.Of(processes.Count, "process", "processes")}{Endings.Of(database, processes.Select(summary => summary.Process))}", Page.Heading);
        foreach (var summary in processes)
        {
            page.Line();
            WriteProcess(page, summary);
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
            WriteProcess(text, summary);

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
                Timestamp(process),
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

    private static string Timestamp(TraceProcess process) =>
        process.StartedAt.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private void WriteProcess(Page page, ProcessSummary summary)
    {
        var process = summary.Process;
        page.Line($"Process {Place.Process(process)}", Page.Heading);
        page.Line(
            $"  Python {process.PythonVersion.Split(' ')[0]}, recorded {process.StartedAt:yyyy-MM-dd HH:mm:ss} UTC for "
            + $"{Numbers.Seconds(process.DurationNs)}, {Ending(process.Ending)}");
        if (CrashOf(process) is { } crash)
            page.Line($"Crashed: {CrashReport.Describe(crash)}; 'alloctrace crash {ShellWord.Quote(database.Path)}' shows the stacks", Page.Alarm);
        Caveats.Write(page, [process], summary.Losses);
        if (!process.HasStacks)
            page.Line($"No Python stacks: {process.Stacks}", Page.Alarm);
        foreach (var runtime in database.Runtimes.Where(runtime => runtime.Process == process.Id && runtime.WasInitialized))
            page.Line($"Python {runtime.Version.Split(' ')[0]} was running when the recording began: earlier allocations are not known", Page.Alarm);
        if (process.CutStacks > 0)
            page.Line($"  {Numbers.Of(process.CutStacks, "stack")} without their oldest frames");
        if (process.UnknownFrees > 0)
            page.Line($"  {Numbers.Of(process.UnknownFrees, "free")} of blocks from before the recording began");

        if (NativeOf(process) is { } native)
            NativeReach.Write(page, native);
        foreach (var (_, cut, unplaced) in database.NativeStacks.Where(stacks => stacks.Process == process.Id))
            NativeReach.WriteStacks(page, cut, unplaced);

        if (EventsOf(process) is { } log)
            page.Line(log.LeftOut == 0 ? $"  {Numbers.Of(log.Events, "event")} in the event log: export --events" : $"  {Caveats.OfEvents(process, log)}", log.LeftOut == 0 ? Style.Plain : Page.Alarm);

        page.Line();
        page.Table(Totals(summary), Indent);
        page.Line();
        page.Table(Breakdown("Domain", [.. summary.Domains.Select(row => (row.Domain.Name, row.Usage))]), Indent);
        page.Line();
        page.Table(Breakdown("Thread", [.. summary.Threads.Take(MostThreads).Select(row => (Place.Thread(row.Thread), row.Usage))]), Indent);
        if (summary.Threads.Count > MostThreads)
            page.Line($"  {Numbers.Of(summary.Threads.Count - MostThreads, "more thread")}: --group-by thread of 'alloctrace top' lists them");

        var lines = new TopLines(page, SourceFiles.Of([process]));
        if (summary.Peak is { } peak)
            lines.Write("held most at the peak", summary.PeakLines, peak.Bytes, Indent);
        if (summary.Live is { } live)
            lines.Write("hold most at the end", summary.LiveLines, live.Bytes, Indent);
    }

    private TraceNative? NativeOf(TraceProcess process) => database.Native.FirstOrDefault(native => native.Process == process.Id);

    private TraceEventLog? EventsOf(TraceProcess process) => database.EventLogs.FirstOrDefault(log => log.Process == process.Id);

    private TraceCrash? CrashOf(TraceProcess process) => database.Crashes.FirstOrDefault(crash => crash.Process == process.Id);

    private static string Ending(ProcessEnding ending) => ending switch
    {
        ProcessEnding.Finalized => "finalized and exited",
        ProcessEnding.Killed => "killed",
        ProcessEnding.Running => "still running",
        _ => ending.Word(),
    };

    private static Table Totals(ProcessSummary summary)
    {
        var table = Page.NewTable(("", Justify.Left), ("Size", Justify.Right), (summary.IsSampled ? "±" : "Bytes", Justify.Right), ("Blocks", Justify.Right), ("", Justify.Left));
        table.Columns[^1].NoWrap = false;
        var usage = summary.Usage;
        var error = summary.Error;
        var sizes = new SizeUnit([usage.Allocated.Bytes]);
        Row("Allocated", usage.Allocated, error.Allocated);
        Row("Freed", usage.Freed, error.Freed);
        Row(
            "Temporary",
            usage.Temporary,
            error.Temporary,
            $"{Numbers.Percent(usage.Temporary.Blocks, usage.Allocated.Blocks)} of all allocations were freed before their thread made "
            + $"{Numbers.Of(summary.Process.TemporaryThreshold, "further one")}");
        if (summary.Peak is { } peak)
            Row("Peak", new MemoryAmount(peak.Bytes, peak.Blocks), error.Peak, $"after {Numbers.Seconds(peak.AtNs)}");
        if (summary.Live is { } live)
            Row("Live at the end", new MemoryAmount(live.Bytes, live.Blocks), error.Live, $"after {Numbers.Seconds(live.AtNs)}");

        return table;

        void Row(string name, MemoryAmount amount, MemoryAmount error, string note = "") =>
            table.AddRow(
                name, sizes.Format(amount.Bytes), summary.IsSampled ? sizes.Format(error.Bytes) : Numbers.Whole(amount.Bytes), Numbers.Whole(amount.Blocks), note);
    }

    private static Table Breakdown(string title, IReadOnlyList<(string Name, Usage Usage)> rows)
    {
        var sizes = new SizeUnit(rows.SelectMany(row => (long[])[row.Usage.Allocated.Bytes, row.Usage.Peak.Bytes, row.Usage.Live.Bytes]));
        var table = Page.NewTable(
            (title, Justify.Left),
            ("Allocated", Justify.Right),
            ("Blocks", Justify.Right),
            ("Temporary", Justify.Right),
            ("Peak", Justify.Right),
            ("Live", Justify.Right));
        foreach (var (name, usage) in rows)
        {
            table.AddRow(
                new Text(Printable.Text(name)),
                new Text(sizes.Format(usage.Allocated.Bytes)),
                new Text(Numbers.Whole(usage.Allocated.Blocks)),
                new Text(sizes.Format(usage.Temporary.Bytes)),
                new Text(sizes.Format(usage.Peak.Bytes)),
                new Text(sizes.Format(usage.Live.Bytes)));
        }

        return table;
    }

    private void WriteProcess(JsonText text, ProcessSummary summary)
    {
        var json = text.Json;
        var process = summary.Process;
        json.WriteStartObject();
        json.WriteNumber("pid", process.Pid);
        json.WriteNumber("parent_pid", process.ParentPid);
        json.WriteString("command", process.Command);
        json.WriteString("python_version", process.PythonVersion);
        json.WriteString("started_at", Timestamp(process));
        json.WriteNumber("duration_ns", process.DurationNs);
        json.WriteString("ending", process.Ending.Word());
        json.WriteString("stacks", process.Stacks);
        if (CrashOf(process) is { } crash)
        {
            json.WritePropertyName("crash");
            CrashReport.WriteJson(text, process, crash);
        }

        if (NativeOf(process) is { } native)
        {
            json.WriteStartObject("native");
            json.WriteString("mode", native.Mode);
            json.WriteString("reach", native.Reach);
            json.WriteStartArray("past");
            foreach (var image in native.Past)
                json.WriteStringValue(image);

            json.WriteEndArray();
            json.WriteEndObject();
        }

        if (EventsOf(process) is { } log)
        {
            json.WriteStartObject("event_log");
            json.WriteNumber("events", log.Events);
            json.WriteNumber("left_out", log.LeftOut);
            if (log.LeftOutNs is { } since)
                json.WriteNumber("left_out_ns", since);

            json.WriteEndObject();
        }

        WriteUsage(text, summary.Usage, summary.Error);
        WriteSnapshot(text, "peak", summary.Peak, summary.Error.Peak);
        WriteSnapshot(text, "live", summary.Live, summary.Error.Live);
        json.WriteStartArray("domains");
        foreach (var (domain, usage, error) in summary.Domains)
        {
            json.WriteStartObject();
            json.WriteString("name", domain.Name);
            WriteUsage(text, usage, error);
            text.Amount("peak", usage.Peak, error.Peak);
            text.Amount("live", usage.Live, error.Live);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("threads");
        foreach (var (thread, usage, error) in summary.Threads)
        {
            json.WriteStartObject();
            json.WriteNumber("id", thread.OsId);
            json.WriteString("name", thread.Name);
            json.WriteNumber("interpreter", thread.Interpreter);
            WriteUsage(text, usage, error);
            text.Amount("peak", usage.Peak, error.Peak);
            text.Amount("live", usage.Live, error.Live);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        text.Statistics("peak_lines", summary.PeakLines);
        text.Statistics("live_lines", summary.LiveLines);
        json.WriteStartArray("losses");
        foreach (var loss in summary.Losses)
        {
            json.WriteStartObject();
            json.WriteString("reason", loss.Reason.Word());
            json.WriteNumber("events", loss.Events);
            if (loss is { FirstNs: { } first, LastNs: { } last })
            {
                json.WriteNumber("first_ns", first);
                json.WriteNumber("last_ns", last);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteUsage(JsonText text, Usage usage, Usage error)
    {
        text.Amount("allocated", usage.Allocated, error.Allocated);
        text.Amount("freed", usage.Freed, error.Freed);
        text.Amount("temporary", usage.Temporary, error.Temporary);
    }

    private static void WriteSnapshot(JsonText text, string name, TraceSnapshot? snapshot, MemoryAmount error)
    {
        if (snapshot is null)
            return;

        text.Json.WriteStartObject(name);
        text.Figures(new MemoryAmount(snapshot.Bytes, snapshot.Blocks), error);
        text.Json.WriteNumber("at_ns", snapshot.AtNs);
        text.Json.WriteEndObject();
    }
}
