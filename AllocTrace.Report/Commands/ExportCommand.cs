using System.CommandLine;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace export</c>: a recording in a format of other tools.</summary>
internal static class ExportCommand
{
    private const string StandardOutput = "-";

    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var format = WordOption.Create<ExportFormat>("--format", "The format: csv, collapsed, speedscope, pprof, tracemalloc, heapsnapshot or parquet.", "FORMAT");
        var weight = WordOption.Create<StackWeight>("--by", "The measure of a stack, for collapsed and speedscope: bytes or blocks.", "MEASURE");
        var events = new Option<bool>("--events") { Description = "With csv: write every call instead of sums. Needs a recording made with run --events." };
        var target = new Option<string>("-o", "--output")
        {
            Description = "The file to write, or - for the standard output.",
            HelpName = "FILE",
            Required = true,
        };
        var force = new Option<bool>("-f", "--force") { Description = "Replace the file if it exists." };
        var command = new Verb(
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
            file, format, weight, events, target, force,
        };
        var lake = new LakeOptions(command);
        var selection = new SnapshotOptions(command);
        command.SetAction(parsed =>
        {
            using var database = selection.Open(parsed, parsed.GetRequiredValue(file));
            var chosen = parsed.GetValue(format);
            lake.Check(parsed, chosen);
            if (parsed.GetValue(events))
                CheckEvents(database, database.ProcessesWith(selection.Pid(parsed)), chosen, output);

            var export = new Exporter(parsed, database, selection, parsed.GetValue(weight), parsed.GetValue(events));
            var path = parsed.GetRequiredValue(target);
            if (chosen == ExportFormat.Parquet)
                return lake.Write(parsed, database, selection, path, parsed.GetValue(force), output);

            if (chosen == ExportFormat.Csv && StacksFile(path) is { } stacks)
                WriteBoth(export, path, stacks, parsed.GetValue(force));
            else if (path != StandardOutput)
                NewFile.Write(path, parsed.GetValue(force), stream => export.Write(chosen, stream));
            else if (Exporter.IsText(chosen))
                export.WriteText(chosen, output.Out, forTerminal: output.TerminalWidth is not null);
            else if (output.TerminalWidth is null)
                export.Write(chosen, output.Bytes);
            else
                throw new UsageException($"{chosen.ToString().ToLowerInvariant()} is binary and cannot be written to a terminal: give -o FILE");

            return ExitCode.Done;
        });
        return command;
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
