using System.CommandLine;
using System.Text;
using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes what an <c>export</c> command line asks for.</summary>
internal sealed class Exporter(ParseResult parsed, TraceDatabase database, SnapshotOptions selection, StackWeight weight, bool isOfEvents)
{
    private readonly CsvStacks _stacks = new(database.Stacks);

    /// <summary>Returns whether a format is lines of text, which a terminal can show.</summary>
    public static bool IsText(ExportFormat format) => format is ExportFormat.Csv or ExportFormat.Collapsed;

    public void Write(ExportFormat format, Stream target)
    {
        if (IsText(format))
        {
            using var writer = new StreamWriter(target, new UTF8Encoding(false), leaveOpen: true);
            WriteText(format, writer, forTerminal: false);
            return;
        }

        switch (format)
        {
            case ExportFormat.Speedscope:
                SpeedscopeExport.Write(Path.GetFileName(database.Path), [.. Snapshots()], weight, target);
                break;
            case ExportFormat.Pprof:
                PprofExport.Write(selection.Load(parsed, database, View.Total), Alive(), target);
                break;
            default:
                TracemallocExport.Write(selection.Load(parsed, database), target);
                break;
        }
    }

    public void WriteText(ExportFormat format, TextWriter target, bool forTerminal)
    {
        if (format == ExportFormat.Collapsed)
        {
            CollapsedExport.Write(selection.Load(parsed, database), weight, target);
            return;
        }

        if (selection.IsViewGiven(parsed))
            throw new UsageException("csv has a column for each view: --view and --at have no meaning for it");

        using var csv = new CsvText(target, forTerminal);
        if (isOfEvents)
            EventExport.Write(database, database.ProcessesWith(selection.Pid(parsed)), [.. selection.Filters(parsed)], _stacks, csv);
        else
            CsvExport.Write(database, database.ProcessesWith(selection.Pid(parsed)), [.. selection.Filters(parsed)], _stacks, csv);
    }

    /// <summary>Writes the stacks that the rows of the CSV written before refer to.</summary>
    public void WriteStacks(Stream target)
    {
        using var writer = new StreamWriter(target, new UTF8Encoding(false), leaveOpen: true);
        using var csv = new CsvText(writer, forTerminal: false);
        _stacks.Write(csv);
    }

    /// <summary>The one that was asked for, or all views.</summary>
    private IEnumerable<(string Name, Snapshot Snapshot)> Snapshots() => selection.IsViewGiven(parsed)
        ? [(selection.Title(parsed), selection.Load(parsed, database))]
        : Enum.GetValues<View>().Select(view => (view.ToString().ToLowerInvariant(), selection.Load(parsed, database, view)));

    private Snapshot Alive() => selection.View(parsed) is View.Live or View.Peak
        ? selection.Load(parsed, database)
        : throw new UsageException("pprof has what was allocated and what was alive: --view live or peak, or --at");
}
