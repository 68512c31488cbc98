using System.CommandLine;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace export</c>: a recording in a format of other tools.</summary>
internal sealed class ExportCommand : Verb
{
    private const string StandardOutput = "-";

    private readonly Argument<string> _file = ReportArguments.File();
    private readonly Option<ExportFormat> _format = WordOption.Create<ExportFormat>("--format", "The format: csv, collapsed, speedscope, pprof, tracemalloc, heapsnapshot or parquet.", "FORMAT");
    private readonly Option<StackWeight> _weight = WordOption.Create<StackWeight>("--by", "The measure of a stack, for collapsed and speedscope: bytes or blocks.", "MEASURE");
    private readonly Option<bool> _events = new("--events") { Description = "With csv: write every call instead of sums. Needs a recording made with run --events." };

    private readonly Option<string> _target = new("-o", "--output")
    {
        Description = "The file to write, or - for the standard output.",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "Replace the file if it exists." };
    private readonly LakeOptions _lake;
    private readonly SnapshotOptions _selection;
    private readonly Output _console;

    private ExportCommand(Output output)
        : base(
            "export",
            "Exports a recording in the format of another tool.",
            "alloctrace export app.db --format csv -o app.csv    # and app-stacks.csv",
            "alloctrace export app.db --format csv -o - | sqlite3 :memory: '.import --csv /dev/stdin site' 'SELECT count(*) FROM site'",
            "alloctrace export app.db --events -o events.csv    # every malloc, calloc, realloc and free, if they were recorded",
            "alloctrace export app.db --format pprof -o app.pb.gz && go tool pprof -top app.pb.gz",
            "alloctrace export app.db --format speedscope -o app.speedscope.json    # open it at speedscope",
            "alloctrace export app.db --format collapsed --view peak -o - | flamegraph.pl > app.svg",
            "alloctrace export app.db --format heapsnapshot -o app.heapsnapshot    # objects and who holds them, for the memory panel of Chromium",
            "alloctrace export app.db --format parquet -o app.parquet",
            "alloctrace export app.db --format parquet --partition --service shop.api -o /lake/alloctrace    # service=shop.api/date=…/…",
            "alloctrace export app.db --format tracemalloc -o app.snapshot    # tracemalloc.Snapshot.load('app.snapshot')")
    {
        _console = output;
        Add(_file);
        foreach (var option in (Option[])[_format, _weight, _events, _target, _force])
            Add(option);

        _lake = new LakeOptions(this);
        _selection = new SnapshotOptions(this);
        SetAction(Run);
    }

    public static Command Create(Output output) => new ExportCommand(output);

    private int Run(ParseResult parsed)
    {
        using var database = _selection.Open(parsed, parsed.GetRequiredValue(_file));
        var chosen = parsed.GetValue(_format);
        _lake.Check(parsed, chosen);
        if (parsed.GetValue(_events))
            CheckEvents(database, database.ProcessesWith(_selection.Pid(parsed)), chosen, _console);

        var path = parsed.GetRequiredValue(_target);
        if (chosen == ExportFormat.Parquet)
            return _lake.Write(parsed, database, _selection, path, parsed.GetValue(_force), _console);

        Write(new Exporter(parsed, database, _selection, parsed.GetValue(_weight), parsed.GetValue(_events)), chosen, path, parsed.GetValue(_force));
        return ExitCode.Done;
    }

    private void Write(Exporter export, ExportFormat format, string path, bool replace)
    {
        if (format == ExportFormat.Csv && StacksFile(path) is { } stacks)
            WriteBoth(export, path, stacks, replace);
        else if (path != StandardOutput)
            NewFile.Write(path, replace, stream => export.Write(format, stream));
        else if (Exporter.IsText(format))
            export.WriteText(format, _console.Out, forTerminal: _console.TerminalWidth is not null);
        else if (_console.TerminalWidth is null)
            export.Write(format, _console.Bytes);
        else
            throw new UsageException($"{format.ToString().ToLowerInvariant()} is binary and cannot be written to a terminal: give -o FILE");
    }

    /// <summary>
    /// Returns the file for the stacks of a CSV file, which is beside it; <see langword="null"/> for the standard output or a device.
    /// </summary>
    private static string? StacksFile(string path) => path == StandardOutput || path.StartsWith("/dev/", StringComparison.Ordinal)
        ? null
        : Path.Combine(Path.GetDirectoryName(path)!, $"{Path.GetFileNameWithoutExtension(path)}-stacks{Path.GetExtension(path)}");

    /// <summary>Writes rows and their stacks: both files are there, or none.</summary>
    private static void WriteBoth(Exporter export, string path, string stacks, bool replace) => NewFile.Write(path, replace, rows =>
    {
        export.Write(ExportFormat.Csv, rows);
        NewFile.Write(stacks, replace, export.WriteStacks);
    });

    /// <summary>Says what is missing: rows that are not there look like nothing.</summary>
    private static void CheckEvents(TraceDatabase database, IReadOnlyList<TraceProcess> processes, ExportFormat format, Output output)
    {
        if (format != ExportFormat.Csv)
            throw new UsageException("--events needs --format csv");

        var logs = database.EventLogs.ToDictionary(log => log.Process);
        if (!processes.Any(process => logs.ContainsKey(process.Id)))
            throw new UsageException($"{database.Path} has no events. Record them with 'alloctrace run --events'");

        foreach (var process in processes)
        {
            if (!logs.TryGetValue(process.Id, out var log))
                output.Error.WriteLine($"alloctrace: process {process.Pid} was recorded without events");
            else if (log.LeftOut > 0)
                output.Error.WriteLine($"alloctrace: {Caveats.OfEvents(process, log)}");
        }
    }
}
