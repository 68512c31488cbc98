using System.CommandLine;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace crash</c>: what processes were doing when a fatal signal came.</summary>
internal static class CrashCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var process = ReportArguments.Process();
        var interpreterFrames = new Option<bool>("--interpreter-frames") { Description = "Show the C frames of CPython itself, too: its loop and its calls." };
        var format = new ReportFormat();
        var command = new Verb(
            "crash",
            "Prints what a program was doing when it crashed: the signal, the Python stacks of all threads, with the C frames of the one that crashed, and the last allocations.",
            "alloctrace run -o app.db --crash on -- python3 app.py",
            "alloctrace crash app.db",
            "alloctrace crash app.db --json | jq '.crashes[0].threads[0].traceback'")
        {
            file, process, interpreterFrames, format.Json,
        };
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var processes = database.ProcessesWith(parsed.GetValue(process));
            (TraceProcess Process, TraceCrash Crash)[] crashes =
                [.. processes.SelectMany(each => database.Crashes.Where(crash => crash.Process == each.Id).Select(crash => (each, crash)))];
            format.Write(parsed, new CrashReport(database.Path, crashes, parsed.GetValue(interpreterFrames)), output);
            return ExitCode.Done;
        });
        return command;
    }
}
