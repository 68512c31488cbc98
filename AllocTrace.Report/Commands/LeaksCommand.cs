using System.CommandLine;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace leaks</c>: what kept growing while the program ran, as opposed to what was merely alive at the end.</summary>
internal static class LeaksCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var groupBy = WordOption.Create<LeakGroup>("--group-by", "What may leak: function, lineno, filename or traceback.", "KEY", "-g");
        var rows = WordOption.Number("-n", "How many rows; 0 for all.", "N", defaultValue: 10);
        var json = ReportArguments.Json();
        var command = new Verb(
            "leaks",
            "Functions whose memory kept growing, period by period or snapshot by snapshot. A cache that has filled up is not among them.",
            "alloctrace leaks app.db",
            "alloctrace leaks app.db --at 'round 1' --at 'round 2' --at 'round 3'    # at snapshots instead of in time",
            "alloctrace leaks app.db --group-by traceback -n 1",
            "alloctrace leaks app.db --json | jq '.series[].growing[0]'",
            "alloctrace leaks app.db --fail-growth 1MiB    # for CI: exit code 4 when more leaked")
        {
            file, groupBy, rows, json,
        };
        var selection = new SnapshotOptions(command, moments: int.MaxValue, views: false);
        var failGrowth = Threshold.FailGrowth(command, output, "all that kept growing, together,");
        command.Validators.Add(result =>
        {
            if (result.GetValue(selection.At) is { Length: 1 or 2 })
                result.AddError("--at has to be given three times or more: two snapshots do not tell growth from a step (see 'diff')");
        });
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var group = Enum.Parse<GroupBy>(parsed.GetValue(groupBy).ToString());
            var leaks = Series(parsed, selection, database, group).ToArray();
            var report = new LeaksReport(database, leaks, group, parsed.GetValue(rows));
            if (parsed.GetValue(json))
                report.WriteJson(output.Out);
            else
                report.WriteText(output);

            return failGrowth.Check(parsed, $"{database.Path}: kept growing:", leaks.Sum(each => each.Growing.Sum(growth => growth.Bytes)));
        });
        return command;
    }

    private static IEnumerable<ProcessLeaks> Series(ParseResult parsed, SnapshotOptions selection, TraceDatabase database, GroupBy groupBy)
    {
        if (parsed.GetValue(selection.At) is { Length: > 0 } names)
        {
            var series = GrowthSeries.OfSnapshots([.. names.Select(name => (name, selection.Load(parsed, database, name)))], groupBy);
            yield return new ProcessLeaks(null, series.Periods, series.Growing());
            yield break;
        }

        foreach (var process in database.ProcessesWith(selection.Pid(parsed)))
        {
            var series = GrowthSeries.OfTime(database, process, groupBy, selection.Filters(parsed));
            yield return new ProcessLeaks(process, series.Periods, series.Growing());
        }
    }

    // The groups that can leak, the usual one first.
    private enum LeakGroup
    {
        Function,
        Lineno,
        Filename,
        Traceback,
    }
}
