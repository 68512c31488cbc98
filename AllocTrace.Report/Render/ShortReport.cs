using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>Writes the report of <c>alloctrace run</c> after the program has ended: totals, lines, and what to type next.</summary>
internal static class ShortReport
{
    private const int Lines = 5;
    private const int MostProcesses = 3;
    private const int MostGrowing = 3;

    /// <summary>Writes the report of a finished recording.</summary>
    /// <param name="databasePath">The recording.</param>
    /// <param name="exitCode">The exit code of the program, which the first line mentions if it is not 0; 0 if it is unknown.</param>
    /// <param name="output">The output.</param>
    /// <exception cref="InvalidTraceException">The recording is damaged.</exception>
    /// <exception cref="IOException">The recording cannot be read.</exception>
    public static void Write(string databasePath, int exitCode, Output output)
    {
        using var database = TraceDatabase.Open(databasePath);
        var page = new Page(output);
        var endings = Endings.Of(database, database.Processes);
        if (exitCode != 0 || endings != "")
            page.Line($"{Failure(exitCode)}{endings}", Page.Alarm);

        var source = SourceFiles.Of(database.Processes);
        var summaries = database.Processes
            .Select(process => ProcessSummary.Read(database, process, Lines))
            .OrderByDescending(summary => summary.Peak?.Bytes ?? 0)
            .ToArray();
        foreach (var summary in summaries.Take(MostProcesses))
        {
            page.Line($"Process {Place.Process(summary.Process)}", Page.Heading);
            Caveats.Write(page, [summary.Process], summary.Losses);
            if (database.EventLogs.FirstOrDefault(log => log.Process == summary.Process.Id) is { LeftOut: > 0 } log)
                page.Line(Caveats.OfEvents(summary.Process, log), Page.Alarm);
            if (!summary.Process.HasStacks)
                page.Line($"No Python stacks: {summary.Process.Stacks}", Page.Alarm);

            page.Line($"  {Headline(summary)}");
            if (MemoryWords.Line(ResidentMemory.Of(database, summary.Process), database.Path) is { } resident)
                page.Line($"  {resident}");
            Growing(page, source, database, summary.Process);
            var lines = new TopLines(page, source);
            lines.Write("hold most at the end", summary.LiveLines, summary.Live?.Bytes ?? 0, indent: 2);
            lines.Write("held most at the peak", summary.PeakLines, summary.Peak?.Bytes ?? 0, indent: 2);
            page.Line();
        }

        if (summaries.Length > MostProcesses)
        {
            page.Line($"and {Numbers.Whole(summaries.Length - MostProcesses)} more: alloctrace summary {ShellWord.Quote(databasePath)}");
            page.Line();
        }

        NextSteps.Write(page, databasePath);
    }

    private static string Failure(int exitCode) => exitCode switch
    {
        0 => "Not every process exited by itself",
        > 128 => $"The program was killed by signal {exitCode - 128}",
        _ => $"The program failed with exit code {exitCode}",
    };

    /// <summary>Writes possible leaks first: what is merely live at the end is more, and mostly harmless.</summary>
    private static void Growing(Page page, SourceFiles source, TraceDatabase database, TraceProcess process)
    {
        var series = GrowthSeries.OfTime(database, process, GroupBy.Lineno, []);
        var growing = series.Growing();
        if (growing.Count == 0)
            return;

        page.Line();
        page.Line($"  Lines that kept growing{(growing.Count > MostGrowing ? $", {MostGrowing} of {Numbers.Whole(growing.Count)}" : "")}: alloctrace leaks {ShellWord.Quote(database.Path)}", Page.Heading);
        new GrowthTable(page, source).Write([.. growing.Take(MostGrowing)], series.Periods.Count - 1);
    }

    private static string Headline(ProcessSummary summary)
    {
        var peak = summary.Peak is { } p ? $"peak {ByteSize.Format(p.Bytes)} after {Numbers.Seconds(p.AtNs)}, " : "";
        var live = summary.Live is { } l ? $"live at the end {Numbers.Size(l.Bytes)} in {Numbers.Of(l.Blocks, "block")}, " : "";
        return $"{peak}{live}{Numbers.Of(summary.Usage.Allocated.Blocks, "allocation")} of {ByteSize.Format(summary.Usage.Allocated.Bytes)} in all";
    }
}
