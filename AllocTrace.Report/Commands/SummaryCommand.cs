using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace summary</c>: what each process of a recording did with its memory.</summary>
internal static class SummaryCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var process = ReportArguments.Process();
        var format = new ReportFormat();
        var command = new Verb(
            "summary",
            "Sums up the memory of each process: totals, peak and end, by domain and thread, and the lines to look at.",
            "alloctrace summary app.db",
            "alloctrace summary app.db --json | jq '.processes[].peak'")
        {
            file, process, format.Json, format.Csv,
        };
        format.Validate(command);
        var failAbove = Threshold.FailAbove(command, output, "the peak of a process");
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            ProcessSummary[] processes = [.. database.ProcessesWith(parsed.GetValue(process)).Select(each => ProcessSummary.Read(database, each))];
            var report = new SummaryReport(database, processes);
            format.Write(parsed, report, output);

            var code = processes
                .Select(each => failAbove.Check(parsed, $"{database.Path}: peak of process {each.Process.Pid}:", each.Peak?.Bytes ?? 0))
                .DefaultIfEmpty(ExitCode.Done)
                .Max();
            return failAbove.CheckMeasured(parsed, code, database);
        });
        return command;
    }
}
