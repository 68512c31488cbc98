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
        var format = WordOption.Create<ExportFormat>("--format", "The format: csv.", "FORMAT");
        var target = new Option<string>("-o", "--output")
        {
            Description = "The file to write, or - for the standard output.",
            HelpName = "FILE",
            Required = true,
        };
        var force = new Option<bool>("-f", "--force") { Description = "Replace the file if it exists." };
        var process = ReportArguments.Process();
        var command = new Verb(
            "export",
            "Writes a recording in a format of other tools.",
            "alloctrace export app.db --format csv -o app.csv",
            "alloctrace export app.db --format csv -o - | sqlite3 :memory: '.import --csv /dev/stdin site' 'SELECT count(*) FROM site'")
        {
            file, format, target, force, process,
        };
        command.SetAction(parsed =>
        {
            using var database = TraceDatabase.Open(parsed.GetRequiredValue(file));
            var processes = database.ProcessesWith(parsed.GetValue(process));
            var path = parsed.GetRequiredValue(target);
            if (path == StandardOutput)
                Write(output.Out, forTerminal: output.TerminalWidth is not null);
            else
                NewFile.Write(path, parsed.GetValue(force), writer => Write(writer, forTerminal: false));

            return ExitCode.Done;

            void Write(TextWriter writer, bool forTerminal)
            {
                using var csv = new CsvText(writer, forTerminal);
                CsvExport.Write(database, processes, csv);
            }
        });
        return command;
    }
}
