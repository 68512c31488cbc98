using AllocTrace.Analysis;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Live;

/// <summary>Writes the screen of <c>alloctrace live</c>: totals, and the largest groups. Rates are those between two samples.</summary>
internal sealed class LiveReport(LiveSample sample, LiveSample? earlier, GroupBy groupBy, LiveOrder order)
{
    /// <summary>
    /// The earlier sample, if it has all processes that ran then: otherwise older allocations of a process would count as new.
    /// </summary>
    private readonly LiveSample? _before = earlier is not null && sample.Processes.All(process => earlier.Has(process) || process.DurationNs <= sample.AtNs - earlier.AtNs) ? earlier : null;

    /// <summary>Writes it.</summary>
    /// <param name="page">The page to write to.</param>
    /// <param name="rows">The largest number of groups.</param>
    public void Write(Page page, int rows)
    {
        var processes = sample.Processes;
        page.Line(Cut(page, processes.Count == 1 ? $"Process {Place.Process(processes[0])}" : Numbers.Of(processes.Count, "process", "processes")), Page.Heading);
        page.Line(Cut(page,
            $"live {ByteSize.Format(sample.Live.Bytes)} in {Numbers.Of(sample.Live.Blocks, "block")}, allocated {ByteSize.Format(sample.Allocated.Bytes)} in {Numbers.Whole(sample.Allocated.Blocks)}"
            + $"{(_before is null ? "" : $", {Rate(sample.Allocated.Bytes - _before.Allocated.Bytes)}")}, after {Numbers.Seconds(sample.AtNs)}"));
        Caveats.Write(page, processes, sample.Losses);
        foreach (var process in processes.Where(process => !process.HasStacks))
            page.Line(Cut(page, $"No Python stacks in process {process.Pid}: {process.Stacks}"), Page.Alarm);

        page.Line();
        LiveRow[] largest = [.. sample.Rows.OrderByDescending(Key).ThenByDescending(row => row.Live.Bytes).ThenBy(row => Place.Describe(row.About), StringComparer.Ordinal).Take(rows)];
        new PlaceTable(page, SourceFiles.Of(processes), Heading("Size", LiveOrder.Size), Heading("Count", LiveOrder.Count), Heading("Rate", LiveOrder.Rate), Heading("Temporary", LiveOrder.Temporary))
            .Write(Figures(largest));
        if (sample.Rows.Count > largest.Length)
            page.Line(Cut(page, $"{Numbers.Whole(sample.Rows.Count - largest.Length)} more by {groupBy.ToString().ToLowerInvariant()}"), Page.Dim);
    }

    private static string Cut(Page page, string line) => page.TerminalWidth is { } width && line.Length > width ? line[..(width - 1)] + "…" : line;

    private string Heading(string name, LiveOrder its) => its == order ? $"{name}↓" : name;

    /// <summary>Formats the figures. Sizes share one unit, and rates another, so that a column can be compared.</summary>
    private (Statistic, string[])[] Figures(LiveRow[] rows)
    {
        var sizes = new SizeUnit(rows.Select(row => row.Live.Bytes));
        var rates = new SizeUnit(rows.SelectMany(row => (long[])[PerSecond(Allocated(row)), PerSecond(Temporary(row))]));
        return [.. rows.Select(row => (row.About, (string[])[sizes.Format(row.Live.Bytes), Numbers.Whole(row.Live.Blocks), RateOf(Allocated(row)), RateOf(Temporary(row))]))];

        string RateOf(long bytes) => HasRates ? $"{rates.Format(PerSecond(bytes))}/s" : "";
    }

    private long Key(LiveRow row) => order switch
    {
        LiveOrder.Count => row.Live.Blocks,
        LiveOrder.Rate => Allocated(row),
        LiveOrder.Temporary => Temporary(row),
        _ => row.Live.Bytes,
    };

    /// <summary>A group that was not there before has allocated all it has since.</summary>
    private long Allocated(LiveRow row) => _before is null ? 0 : row.AllocatedBytes - (_before.Find(row)?.AllocatedBytes ?? 0);

    private long Temporary(LiveRow row) => _before is null ? 0 : row.TemporaryBytes - (_before.Find(row)?.TemporaryBytes ?? 0);

    private bool HasRates => _before is not null && sample.AtNs > _before.AtNs;

    private long PerSecond(long bytes) => HasRates ? (long)(bytes / ((sample.AtNs - _before!.AtNs) / 1e9)) : 0;

    private string Rate(long bytes) => HasRates ? $"{ByteSize.Format(PerSecond(bytes))}/s" : "";
}
