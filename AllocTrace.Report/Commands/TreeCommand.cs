using System.CommandLine;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace tree</c>: how the program got to what holds the memory.</summary>
internal static class TreeCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var rows = WordOption.Number("-n", "The largest number of lines; 0 for all.", "N", defaultValue: 100);
        var percent = WordOption.Number("--min", "Leave out branches below PERCENT of the total.", "PERCENT", defaultValue: 3);
        var format = new ReportFormat();
        var command = new Verb(
            "tree",
            "Prints the tree of calls that led to the memory, the largest branch first. Chains of frames with a single branch are folded into one line.",
            "alloctrace tree app.db",
            "alloctrace tree app.db --view peak --min 5",
            "alloctrace tree app.db --mine                 # down to your own code, with all that it calls",
            "alloctrace tree app.db --json --min 0 -n 0    # every frame, for programs",
            "alloctrace tree app.db --filter 'app/*' --min 0 -n 0")
        {
            file, rows, percent, format.Json,
        };
        var selection = new SnapshotOptions(command, mine: true);
        command.SetAction(parsed =>
        {
            using var database = selection.Open(parsed, parsed.GetRequiredValue(file));
            var snapshot = selection.Load(parsed, database);
            var report = new TreeReport(database, snapshot, selection.Title(parsed), parsed.GetValue(rows), parsed.GetValue(percent))
            {
                HeadingEnd = selection.MineTitle(parsed) + Endings.Of(database, database.ProcessesWith(selection.Pid(parsed))),
                Nothing = selection.NothingPasses(parsed, snapshot, database),
            };
            format.Write(parsed, report, output);
            return ExitCode.Done;
        });
        return command;
    }
}
