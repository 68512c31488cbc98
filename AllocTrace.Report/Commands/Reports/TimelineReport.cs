using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace timeline</c>.</summary>
internal sealed class TimelineReport(TraceDatabase database, IEnumerable<TraceProcess> processes) : IReport
{
    public void WriteText(Output output)
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

    public void WriteCsv(Output output)
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
