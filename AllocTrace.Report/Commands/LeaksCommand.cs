using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>
/// <c>alloctrace leaks</c>: lists memory that kept growing while the program ran, in contrast to memory that was live at the end.
/// </summary>
internal static class LeaksCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var groupBy = WordOption.Create<LeakGroup>("--group-by", "The key of the groups: lineno, function, filename or traceback.", "KEY", "-g");
        var rows = WordOption.Number("-n", "The number of rows; 0 for all.", "N", defaultValue: 10);
        var least = SizeOption.Create("--min", "Hide rows that grew by less than SIZE; 0 shows all. By default, rows that are too small to matter are hidden and counted.");
        var types = new Option<bool>("--types") { Description = "Show the types of the blocks that each row has at the end, or at the last snapshot with types." };
        var format = new ReportFormat();
        var command = new Verb(
            "leaks",
            "Lists the lines whose memory kept growing while the program ran, the largest first. Growth counts if it is never freed, is spread over at least a tenth of the "
            + "time in which the program worked, and continues after the first fifth of the time since the line began to grow. Imports, tables that are built once and caches that "
            + "filled up are left out.",
            "alloctrace leaks app.db",
            "alloctrace leaks app.db --at 'round 1' --at 'round 2' --at 'round 3'    # at snapshots instead of time slices",
            "alloctrace leaks app.db --mine                # the lines of your own code that led there",
            "alloctrace leaks app.db --group-by traceback -n 1",
            "alloctrace leaks app.db --json | jq '.series[].growing[0]'",
            "alloctrace leaks app.db --fail-growth 1MiB    # for CI: exit code 4 if more leaked")
        {
            file, groupBy, types, rows, least, format.Json,
        };
        var selection = new SnapshotOptions(command, snapshots: int.MaxValue, views: false, mine: true);
        var failGrowth = Threshold.FailGrowth(command, output, "the sum of what kept growing");
        command.Validators.Add(result =>
        {
            if (result.GetValue(selection.At) is { Length: 1 or 2 })
                result.AddError("give --at three times or more: two snapshots cannot tell growth from a step (see 'diff')");
        });
        command.SetAction(parsed =>
        {
            using var database = selection.Open(parsed, parsed.GetRequiredValue(file));
            var group = Enum.Parse<GroupBy>(parsed.GetValue(groupBy).ToString());
            var notes = new List<string>();
            var leaks = Series(parsed, selection, database, group, notes)
                .Select(each => new ProcessLeaks(each.Process, each.Series, each.Series.Growing(parsed.GetValue(least)))).ToArray();
            var typed = parsed.GetValue(types) ? selection.LoadWithTypes(parsed, database, parsed.GetValue(selection.At)!.LastOrDefault()) : null;
            if (typed is not null)
                leaks = [.. leaks.Select(each => each with { Growing = each.Growing.WithTypes(typed, group) })];

            notes.AddRange(typed?.Notes ?? []);
            var report = new LeaksReport(database, leaks, group, parsed.GetValue(rows), selection.MineTitle(parsed), notes);
            format.Write(parsed, report, output);

            var code = failGrowth.Check(parsed, $"{database.Path}: kept growing:", leaks.Sum(each => each.Growing.Sum(growth => growth.Bytes)));
            return failGrowth.CheckMeasured(parsed, code, database);
        });
        return command;
    }

    private static IEnumerable<(TraceProcess? Process, GrowthSeries Series)> Series(ParseResult parsed, SnapshotOptions selection, TraceDatabase database, GroupBy groupBy, List<string> notes)
    {
        if (parsed.GetValue(selection.At) is { Length: > 0 } names)
        {
            (string, Snapshot Snapshot)[] snapshots = [.. names.Select(name => (name, selection.Load(parsed, database, name)))];
            notes.AddRange(snapshots.SelectMany(each => each.Snapshot.Notes).Distinct());
            yield return (null, GrowthSeries.OfSnapshots(snapshots, groupBy));
            yield break;
        }

        foreach (var process in database.ProcessesWith(selection.Pid(parsed)))
            yield return (process, GrowthSeries.OfTime(database, process, groupBy, selection.Filters(parsed), selection.IsMine(parsed)));
    }

    // The groups that can leak, the usual one first.
    private enum LeakGroup
    {
        Lineno,
        Function,
        Filename,
        Traceback,
    }
}
