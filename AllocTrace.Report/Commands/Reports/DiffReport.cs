using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace diff</c> in each format.</summary>
internal sealed class DiffReport(DiffSide old, DiffSide current, GroupBy groupBy, int rows, bool showsTypes) : IReport
{
    private readonly StatisticDiffList _differences = current.Snapshot.CompareTo(old.Snapshot, groupBy, limit: rows);

    private string GroupName => groupBy.ToString().ToLowerInvariant();

    private bool IsSampled => Databases.Any(database => database.IsSampled);

    private MemoryAmount TotalError => new(
        Variance.ErrorOf(old.Snapshot.BytesError, current.Snapshot.BytesError), Variance.ErrorOf(old.Snapshot.BlocksError, current.Snapshot.BlocksError));

    private IEnumerable<TraceDatabase> Databases => old.Database == current.Database ? [current.Database] : [old.Database, current.Database];

    public void WriteText(Output output)
    {
        var page = new Page(output);
        page.Line(
            old.Database == current.Database
                ? $"{current.Database.Path}: from '{old.Title}' to '{current.Title}' by {GroupName}"
                : $"From {old.Database.Path} to {current.Database.Path}: {current.Title} by {GroupName}",
            Page.Heading);
        foreach (var database in Databases)
            Caveats.Write(page, database.Processes, database.Losses);

        Caveats.Write(page, old.Snapshot, current.Snapshot);
        page.Line();
        StatisticDiff[] changed = [.. _differences.Where(difference => difference.SizeDiff != 0 || difference.CountDiff != 0)];
        if (changed.Length > 0)
        {
            var source = SourceFiles.Of(current.Database.Processes);
            if (groupBy == GroupBy.Traceback)
            {
                new TracebackList(page, source).Write(changed);
            }
            else
            {
                new DiffTable(page, source) { ShowsTypes = showsTypes }.Write(changed);
                page.Line();
            }
        }

        if (_differences.Count - changed.Length + _differences.Others is > 0 and var others)
            page.Line($"{Numbers.Of(others, "more group")}: {Numbers.Growth(_differences.OtherBytesDiff)}");

        var (size, count) = (current.Snapshot.Bytes - old.Snapshot.Bytes, current.Snapshot.Blocks - old.Snapshot.Blocks);
        page.Line(
            $"Total: {Numbers.Growth(size)}{Numbers.Error(TotalError.Bytes)} in {Numbers.Signed(count)} blocks, "
            + $"from {Numbers.Size(old.Snapshot.Bytes)} to {Numbers.Size(current.Snapshot.Bytes)}",
            Page.Heading);
    }

    public void WriteJson(TextWriter target)
    {
        using var text = new JsonText(target);
        text.Json.WriteStartObject();
        text.Json.WriteString("old", old.Title);
        text.Json.WriteString("new", current.Title);
        text.Json.WriteString("group_by", GroupName);
        text.BytesAndBlocks("old_total", new MemoryAmount(old.Snapshot.Bytes, old.Snapshot.Blocks), new MemoryAmount(old.Snapshot.BytesError, old.Snapshot.BlocksError));
        text.BytesAndBlocks("new_total", new MemoryAmount(current.Snapshot.Bytes, current.Snapshot.Blocks), new MemoryAmount(current.Snapshot.BytesError, current.Snapshot.BlocksError));
        text.Errors("size_diff_error", "count_diff_error", TotalError);
        text.Lost(Databases.Sum(database => database.Losses.Sum(loss => loss.Events)));
        text.Differences("differences", _differences);
        text.Json.WriteEndObject();
    }

    public void WriteCsv(Output output)
    {
        using var csv = new CsvText(output.Out, forTerminal: output.TerminalWidth is not null);
        string[] errors = IsSampled ? ["size_diff_error", "count_diff_error"] : [];
        csv.Header([
            "size", "size_diff", "count", "count_diff", .. errors, "filename", "lineno", "function", "traceback", "domain", "pid", "thread_id", "thread",
            "interpreter", "command",
        ]);
        foreach (var difference in _differences)
        {
            object[] error = IsSampled ? [difference.SizeDiffError, difference.CountDiffError] : [];
            csv.Row([
                difference.Size, difference.SizeDiff, difference.Count, difference.CountDiff, .. error,
                .. CsvText.Cells(difference.Group, whole: groupBy == GroupBy.Traceback),
            ]);
        }
    }
}
