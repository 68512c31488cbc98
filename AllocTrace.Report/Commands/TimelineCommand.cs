using System.CommandLine;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace timeline</c>: draws the memory over time.</summary>
internal static class TimelineCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var process = ReportArguments.Process();
        var format = new ReportFormat();
        var command = new Verb(
            "timeline",
            "Draws the memory over time: live bytes, and resident memory where it was recorded, with the peak, snapshots and losses.",
            "alloctrace timeline app.db",
            "alloctrace timeline app.db --csv > app-timeline.csv    # every time slice")
        {
            file, process, format.Csv,
        };
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var processes = database.ProcessesWith(parsed.GetValue(process));
            format.Write(parsed, new TimelineReport(database, processes), output);
            return ExitCode.Done;
        });
        return command;
    }
}
