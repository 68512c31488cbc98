using System.CommandLine;
using System.Globalization;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace holders</c>: who holds the objects of a line or a type.</summary>
internal static class HoldersCommand
{
    private const string Garbage = "garbage";

    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var what = new Argument<string>("WHAT")
        {
            Description = "A line as FILE.py:LINE, a type as Row or app.models.Row, or garbage: the objects that only the cyclic garbage collector can free.",
        };
        var at = new Option<string?>("--at") { Description = "The snapshot. By default the end, or the last snapshot with types.", HelpName = "SNAPSHOT" };
        var isPrivate = new Option<bool>("--private") { Description = "Hide keys and strings of the program in paths." };
        var rows = WordOption.Number("-n", "The number of paths of each type; 0 for all.", "N", defaultValue: 5);
        var process = ReportArguments.Process();
        var json = ReportArguments.Json();
        var command = new Verb(
            "holders",
            "Shows who holds objects: the shortest paths from module globals, frames, threads and C code, with how many objects each holds and the bytes that would be "
            + "freed with them. Needs a snapshot with types (run --objects end, snapshot --objects).",
            "alloctrace holders app.db models.py:120           # all that this line allocated",
            "alloctrace holders app.db app.models.Row --at busy",
            "alloctrace holders app.db garbage                 # what waits for the cyclic garbage collector",
            "alloctrace holders app.db Row --json --private")
        {
            file, what, at, isPrivate, rows, process, json,
        };
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var (moments, notes) = TypedMoments.Find(database, database.ProcessesWith(parsed.GetValue(process)), parsed.GetValue(at));
            var search = new HolderSearch(database, moments);
            var asked = parsed.GetRequiredValue(what);
            var report = new HoldersReport(database, moments, notes, asked, parsed.GetValue(rows));
            if (asked == Garbage)
            {
                report.Write(search.Garbage(), output, parsed.GetValue(json));
                return ExitCode.Done;
            }

            var held = IsLine(asked) ? search.OfSites([.. FilterPattern.Parse(asked, inclusive: true, allFrames: false)], parsed.GetValue(isPrivate)) : search.OfType(asked, parsed.GetValue(isPrivate));
            if (held.Count == 0)
                throw new UsageException($"{database.Path}: no live object of {(IsLine(asked) ? "line" : "type")} {asked}: 'alloctrace top {ShellWord.Quote(database.Path)} {(IsLine(asked) ? "--types" : "-g type")}' lists them");

            report.Write(held, output, parsed.GetValue(json));
            return ExitCode.Done;
        });
        return command;
    }

    private static bool IsLine(string what) =>
        what.LastIndexOf(':') is var colon and > 0 && int.TryParse(what.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
