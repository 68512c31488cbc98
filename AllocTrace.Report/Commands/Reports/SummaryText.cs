using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;
using Spectre.Console;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the summary of a process as text.</summary>
internal sealed class SummaryText(TraceDatabase database)
{
    private const int MostThreads = 10;
    private const int Indent = 2;

    public void WriteProcess(Page page, ProcessSummary summary)
    {
        var process = summary.Process;
        page.Line($"Process {Place.Process(process)}", Page.Heading);
        page.Line(
            $"  Python {process.PythonVersion.Split(' ')[0]}, recorded {process.StartedAt:yyyy-MM-dd HH:mm:ss} UTC for "
            + $"{Numbers.Seconds(process.DurationNs)}, {Ending(process.Ending)}");
        if (database.Crashes.FirstOrDefault(crash => crash.Process == process.Id) is { } crash)
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

        if (MemoryWords.Line(ResidentMemory.Of(database, process), database.Path) is { } resident)
            page.Line($"  {resident}");
        if (database.Native.FirstOrDefault(native => native.Process == process.Id) is { } native)
            NativeCaveats.Write(page, native);
        foreach (var (_, cut, unplaced) in database.NativeStacks.Where(stacks => stacks.Process == process.Id))
            NativeCaveats.WriteStacks(page, cut, unplaced);

        if (database.EventLogs.FirstOrDefault(log => log.Process == process.Id) is { } log)
            page.Line(log.LeftOut == 0 ? $"  {Numbers.Of(log.Events, "event")} in the event log: export --events" : $"  {Caveats.OfEvents(process, log)}", log.LeftOut == 0 ? Style.Plain : Page.Alarm);

        if (GarbageLine.Of(database, process) is { } garbage)
            page.Line($"  {garbage}");

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
}
