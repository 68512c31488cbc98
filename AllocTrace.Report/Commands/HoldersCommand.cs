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
        var format = new ReportFormat();
        var command = new Verb(
            "holders",
            "Shows who holds objects: the shortest paths from module globals, frames, threads and C code, with how many objects each holds and the bytes that would be "
            + "freed with them. Needs a snapshot with types (run --objects end, snapshot --objects).",
            "alloctrace holders app.db models.py:120           # all that this line allocated",
            "alloctrace holders app.db app.models.Row --at busy",
            "alloctrace holders app.db garbage                 # what waits for the cyclic garbage collector",
            "alloctrace holders app.db Row --json --private")
        {
            file, what, at, isPrivate, rows, process, format.Json,
        };
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var (snapshots, notes) = TypedSnapshots.Find(database, database.ProcessesWith(parsed.GetValue(process)), parsed.GetValue(at));
            var search = new HolderSearch(database, snapshots);
            var selection = new TypedSelection(database, snapshots, notes, parsed.GetRequiredValue(what), parsed.GetValue(rows));
            format.Write(parsed, selection.What == Garbage ? new GarbageReport(selection, search.Garbage()) : new HoldersReport(selection, Held(search, selection, parsed.GetValue(isPrivate))), output);
            return ExitCode.Done;
        });
        return command;
    }

    private static IReadOnlyList<HeldType> Held(HolderSearch search, TypedSelection selection, bool isPrivate)
    {
        var (what, isLine) = (selection.What, IsLine(selection.What));
        var held = isLine ? search.OfSites([.. FilterPattern.Parse(what, inclusive: true, allFrames: false)], isPrivate) : search.OfType(what, isPrivate);
        return held.Count > 0
            ? held
            : throw new UsageException($"{selection.Database.Path}: no live object of {(isLine ? "line" : "type")} {what}: 'alloctrace top {ShellWord.Quote(selection.Database.Path)} {(isLine ? "--types" : "-g type")}' lists them");
    }

    private static bool IsLine(string what) =>
        what.LastIndexOf(':') is var colon and > 0 && int.TryParse(what.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
