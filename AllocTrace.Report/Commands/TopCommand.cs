using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace top</c>: which lines (or functions, threads, …) hold the memory.</summary>
internal static class TopCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var groupBy = WordOption.Create<GroupBy>(
            "--group-by", "The key of the groups: lineno, filename, traceback, function, domain, thread, process or type.", "KEY", "-g");
        var cumulative = new Option<bool>("--cumulative")
        {
            Description = "Count an allocation once for every line (file, function) on its stack.",
        };
        var everyFrame = new Option<bool>("--every-frame")
        {
            Description = "With --cumulative: count it once for each frame, recursion included, as tracemalloc does.",
        };
        var types = new Option<bool>("--types") { Description = "Show the types of the blocks under each row. Needs a snapshot with types (run --objects end, snapshot --objects)." };
        var retained = new Option<bool>("--retained") { Description = "Show the bytes that would be freed with the blocks of each row: their own, and those that only they hold. Needs a snapshot with types." };
        var rows = WordOption.Number("-n", "The number of rows; 0 for all.", "N", defaultValue: 10);
        var format = new ReportFormat();

        var command = new Verb(
            "top",
            "Lists the lines, functions, threads or processes that hold the memory, largest first.",
            "alloctrace top app.db",
            "alloctrace top app.db --view peak --group-by traceback -n 3",
            "alloctrace top app.db --cumulative --group-by function --exclude '<frozen *>'",
            "alloctrace top app.db --mine                      # your own lines, with all that they call",
            "alloctrace top app.db --filter 'models.py:120' --all-frames",
            "alloctrace top app.db --group-by type             # dict, list, app.models.Row, …",
            "alloctrace top app.db --types --retained",
            "alloctrace top app.db --json -n 0 | jq '.statistics[0]'")
        {
            file, groupBy, cumulative, everyFrame, types, retained, rows, format.Json, format.Csv,
        };
        var selection = new SnapshotOptions(command, mine: true);
        var failAbove = Threshold.FailAbove(command, output, "the total of what is counted");
        format.Validate(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(everyFrame) && !result.GetValue(cumulative))
                result.AddError("--every-frame needs --cumulative");
            if (result.GetValue(cumulative) && result.GetValue(groupBy) is not (GroupBy.Lineno or GroupBy.Filename or GroupBy.Function))
                result.AddError("--cumulative needs --group-by lineno, filename or function");
            if (result.GetValue(cumulative) && (result.GetValue(types) || result.GetValue(retained)))
                result.AddError("--cumulative and --types or --retained exclude each other");
        });
        command.SetAction(parsed =>
        {
            using var database = selection.Open(parsed, parsed.GetRequiredValue(file));
            var wantsTypes = parsed.GetValue(types) || parsed.GetValue(retained) || parsed.GetValue(groupBy) == GroupBy.Type;
            var snapshot = wantsTypes ? selection.LoadWithTypes(parsed, database) : selection.Load(parsed, database);
            var report = new TopReport(
                database,
                snapshot,
                selection.Title(parsed),
                parsed.GetValue(groupBy),
                parsed.GetValue(cumulative)
                    ? parsed.GetValue(everyFrame) ? Cumulation.OncePerFrame : Cumulation.OncePerTrace
                    : Cumulation.None,
                parsed.GetValue(rows),
                selection.Pid(parsed))
            {
                ShowsTypes = parsed.GetValue(types),
                ShowsRetained = parsed.GetValue(retained),
                Mine = selection.MineTitle(parsed),
                Nothing = selection.NothingPasses(parsed, snapshot, database),
            };
            format.Write(parsed, report, output);

            return failAbove.CheckMeasured(parsed, failAbove.Check(parsed, $"{database.Path}: {selection.Title(parsed)}:", snapshot.Bytes), database);
        });
        return command;
    }
}
