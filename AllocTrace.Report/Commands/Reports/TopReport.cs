using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace top</c> in each format.</summary>
internal sealed class TopReport : IReport
{
    private readonly TraceDatabase _database;
    private readonly Snapshot _snapshot;
    private readonly string _view;
    private readonly GroupBy _groupBy;
    private readonly Cumulation _cumulation;
    private readonly TraceProcess[] _processes;
    private readonly TraceLoss[] _losses;
    private readonly StatisticList _statistics;

    public TopReport(
        TraceDatabase database, Snapshot snapshot, string view, GroupBy groupBy, Cumulation cumulation, int rows, long? pid)
    {
        _database = database;
        _snapshot = snapshot;
        _view = view;
        _groupBy = groupBy;
        _cumulation = cumulation;
        _statistics = snapshot.Statistics(groupBy, cumulation, rows);
        _processes = [.. database.ProcessesWith(pid)];
        var ids = _processes.Select(process => process.Id).ToHashSet();
        _losses = [.. database.Losses.Where(loss => ids.Contains(loss.Process))];
    }

    /// <summary>True if each row has the types of its blocks.</summary>
    public bool ShowsTypes { get; init; }

    /// <summary>True if each row has the bytes that would be freed with its blocks.</summary>
    public bool ShowsRetained { get; init; }

    private string GroupName => _groupBy.ToString().ToLowerInvariant();

    /// <summary>The words of the heading about own code.</summary>
    public required string Mine { get; init; }

    /// <summary>The line to write if nothing passed the filters.</summary>
    public required string? Nothing { get; init; }

    public void WriteText(Output output)
    {
        var page = new Page(output);
        var how = _cumulation == Cumulation.None ? "" : ", callers included";
        page.Line($"{_database.Path}: {_view} by {GroupName}{how}{Mine}{Endings.Of(_database, _processes)}", Page.Heading);
        Caveats.Write(page, _processes, _losses);
        Caveats.Write(page, _snapshot);
        foreach (var process in _processes.Where(process => !process.HasStacks))
            page.Line($"No Python stacks in process {process.Pid}: {process.Stacks}", Page.Alarm);

        page.Line();
        if (_statistics.Count > 0)
        {
            var source = SourceFiles.Of(_processes);
            if (_groupBy == GroupBy.Traceback)
            {
                new TracebackList(page, source).Write(_statistics, _snapshot.Bytes);
            }
            else
            {
                new StatisticTable(page, source) { ShowsTypes = ShowsTypes, ShowsRetained = ShowsRetained }.Write(_statistics, _snapshot.Bytes);
                page.Line();
            }
        }

        if (Nothing is not null)
            page.Line(Nothing, Page.Alarm);

        // The sizes of cumulative groups overlap: adding them up means nothing.
        if (_statistics.Others > 0)
            page.Line($"{Numbers.Whole(_statistics.Others)} more{(_cumulation == Cumulation.None ? $": {Numbers.Size(_statistics.OtherBytes)}" : "")}");

        var (size, count) = _snapshot.BytesError == 0 ? ("", "") : ($" ± {ByteSize.Format(_snapshot.BytesError)}", $" ± {Numbers.Whole(_snapshot.BlocksError)}");
        page.Line($"Total: {Numbers.Size(_snapshot.Bytes)}{size} in {Numbers.Of(_snapshot.Blocks, "block")}{count}", Page.Heading);
    }

    public void WriteJson(TextWriter target)
    {
        using var text = new JsonText(target);
        text.Json.WriteStartObject();
        text.Json.WriteString("view", _view);
        text.Json.WriteString("group_by", GroupName);
        if (_cumulation != Cumulation.None)
            text.Json.WriteBoolean("cumulative", true);

        text.BytesAndBlocks("total", new MemoryAmount(_snapshot.Bytes, _snapshot.Blocks), new MemoryAmount(_snapshot.BytesError, _snapshot.BlocksError));
        text.Lost(_losses.Sum(loss => loss.Events));
        text.Notes(_snapshot.Notes);
        text.Statistics("statistics", _statistics);
        text.Json.WriteEndObject();
    }

    public void WriteCsv(Output output)
    {
        using var csv = new CsvText(output.Out, forTerminal: output.TerminalWidth is not null);
        string[] errors = _database.IsSampled ? ["size_error", "count_error"] : [];
        string[] types = _groupBy == GroupBy.Type ? ["type", "kind", "retained"] : [];
        csv.Header(["size", "count", .. errors, .. types, "filename", "lineno", "function", "traceback", "domain", "pid", "thread_id", "thread", "interpreter", "command"]);
        foreach (var statistic in _statistics)
        {
            object[] error = _database.IsSampled ? [statistic.SizeError, statistic.CountError] : [];
            object?[] type = _groupBy == GroupBy.Type ? [statistic.Type?.Type, statistic.Type?.Kind, statistic.Retained] : [];
            csv.Row([statistic.Size, statistic.Count, .. error, .. type, .. CsvText.Cells(statistic, whole: _groupBy == GroupBy.Traceback)]);
        }
    }
}
