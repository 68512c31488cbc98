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
            "--group-by", "What to sum over: lineno, filename, traceback, function, domain, thread or process.", "KEY", "-g");
        // Live is the default, as tracemalloc's snapshots are: what is alive at the end is what somebody forgot.
        var view = WordOption.Create<View>(
            "--view",
            "What to count: live (alive at the end), peak (alive at the high-water mark), total (all allocations) or temporary (freed at once).",
            "VIEW");
        var at = new Option<string?>("--at") { Description = "Count what was alive at a named snapshot.", HelpName = "SNAPSHOT" };
        var cumulative = new Option<bool>("--cumulative")
        {
            Description = "Count an allocation for every line (file, function) on its stack, once each.",
        };
        var everyFrame = new Option<bool>("--every-frame")
        {
            Description = "With --cumulative: once for each frame, recursion included, as tracemalloc does.",
        };
        var rows = WordOption.Number("-n", "How many rows; 0 for all.", "N", defaultValue: 10);
        var filter = new Option<string[]>("--filter")
        {
            Description = "Only allocations from files that match PATTERN[:LINE], with the wildcards * ? [set]. Can be repeated: any may match.",
            HelpName = "P",
        };
        var exclude = new Option<string[]>("--exclude")
        {
            Description = "No allocations from files that match. Can be repeated.",
            HelpName = "P",
        };
        var allFrames = new Option<bool>("--all-frames")
        {
            Description = "Let --filter and --exclude look at the whole stack, not only at the line that allocates.",
        };
        var process = ReportArguments.Process();
        var json = ReportArguments.Json();
        var csv = ReportArguments.Csv();

        var command = new Verb(
            "top",
            "The lines, functions, threads or processes that hold the memory, largest first.",
            "alloctrace top app.db",
            "alloctrace top app.db --view peak --group-by traceback -n 3",
            "alloctrace top app.db --cumulative --group-by function --exclude '<frozen *>'",
            "alloctrace top app.db --filter 'models.py:120' --all-frames",
            "alloctrace top app.db --json -n 0 | jq '.statistics[0]'")
        {
            file, groupBy, view, at, cumulative, everyFrame, rows, filter, exclude, allFrames, process, json, csv,
        };
        ReportArguments.AtMostOne(command, json, csv);
        ReportArguments.AtMostOne(command, view, at);
        command.Validators.Add(result =>
        {
            if (result.GetValue(everyFrame) && !result.GetValue(cumulative))
                result.AddError("--every-frame needs --cumulative");
            if (result.GetValue(cumulative) && result.GetValue(groupBy) is not (GroupBy.Lineno or GroupBy.Filename or GroupBy.Function))
                result.AddError("--cumulative needs --group-by lineno, filename or function");
        });
        command.SetAction(parsed =>
        {
            using var database = TraceDatabase.Open(parsed.GetRequiredValue(file));
            var name = parsed.GetValue(at);
            var pid = parsed.GetValue(process);
            var snapshot = name is null
                ? Snapshot.Load(database, parsed.GetValue(view), pid)
                : Snapshot.LoadNamed(database, name, pid);
            Filter[] filters =
            [
                .. parsed.GetValue(filter)!.SelectMany(p => FilterPattern.Parse(p, inclusive: true, parsed.GetValue(allFrames))),
                .. parsed.GetValue(exclude)!.SelectMany(p => FilterPattern.Parse(p, inclusive: false, parsed.GetValue(allFrames))),
            ];
            if (filters.Length > 0)
                snapshot = snapshot.FilterTraces(filters);

            var report = new TopReport(
                database,
                snapshot,
                name ?? parsed.GetValue(view).ToString().ToLowerInvariant(),
                parsed.GetValue(groupBy),
                parsed.GetValue(cumulative)
                    ? parsed.GetValue(everyFrame) ? Cumulation.OncePerFrame : Cumulation.OncePerTrace
                    : Cumulation.None,
                parsed.GetValue(rows),
                pid);
            if (parsed.GetValue(json))
                report.WriteJson(output.Out);
            else if (parsed.GetValue(csv))
                report.WriteCsv(output);
            else
                report.WriteText(output);

            return ExitCode.Done;
        });
        return command;
    }
}
