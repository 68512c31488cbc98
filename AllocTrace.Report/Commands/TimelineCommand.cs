using System.CommandLine;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary><c>alloctrace timeline</c>: how memory went up and down.</summary>
internal static class TimelineCommand
{
    public static Command Create(Output output)
    {
        var file = ReportArguments.File();
        var process = ReportArguments.Process();
        var csv = ReportArguments.Csv();
        var command = new Verb(
            "timeline",
            "Draws the memory over time: live bytes, and resident memory where it was recorded, with the peak, snapshots and losses.",
            "alloctrace timeline app.db",
            "alloctrace timeline app.db --csv > app-timeline.csv    # every slice of time")
        {
            file, process, csv,
        };
        command.SetAction(parsed =>
        {
            using var database = RecordingArgument.Open(parsed.GetRequiredValue(file));
            var processes = database.ProcessesWith(parsed.GetValue(process));
            if (parsed.GetValue(csv))
                WriteCsv(database, processes, output);
            else
                WriteText(database, processes, output);

            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteText(TraceDatabase database, IEnumerable<TraceProcess> processes, Output output)
    {
        var page = new Page(output);
        page.Line($"{database.Path}: timeline", Page.Heading);
        foreach (var process in processes)
        {
            page.Line();
            page.Line($"Process {Place.Process(process)}", Page.Heading);
            var losses = database.Losses.Where(loss => loss.Process == process.Id).ToArray();
            Caveats.Write(page, [process], losses);
            TraceSlice[] slices = [.. database.Slices.Where(slice => slice.Process == process.Id)];
            if (slices.Length == 0)
                page.Line("  no timeline was recorded");
            else
                new TimelinePlot(page, slices, [.. database.Snapshots.Where(snapshot => snapshot.Process == process.Id)], losses).Write();
        }
    }

    private static void WriteCsv(TraceDatabase database, IEnumerable<TraceProcess> processes, Output output)
    {
        using var csv = new CsvText(output.Out, forTerminal: output.TerminalWidth is not null);
        csv.Header("pid", "start_ns", "end_ns", "live_size", "live_count", "highest_size", "resident_size");
        foreach (var process in processes)
        {
            foreach (var slice in database.Slices.Where(slice => slice.Process == process.Id))
                csv.Row(process.Pid, slice.StartNs, slice.EndNs, slice.LiveBytes, slice.LiveBlocks, slice.HighestBytes, slice.ResidentBytes);
        }
    }
}
