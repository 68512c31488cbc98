using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace tree</c>.</summary>
internal sealed class TreeReport(TraceDatabase database, Snapshot snapshot, string view, int rows, int percent) : IReport
{
    /// <summary>The words of the heading about own code and the ends of processes.</summary>
    public required string HeadingEnd { get; init; }

    /// <summary>The line to write if nothing passed the filters.</summary>
    public required string? Nothing { get; init; }

    public void WriteText(Output output)
    {
        var page = new Page(output);
        page.Line($"{database.Path}: {view} by call{HeadingEnd}", Page.Heading);
        Caveats.Write(page, database.Processes, database.Losses);
        Caveats.Write(page, snapshot);
        if (Nothing is not null)
            page.Line(Nothing, Page.Alarm);

        page.Line();
        new CallTreeText(page, rows, percent, database.IsSampled).Write(snapshot.CallTree());
    }

    public void WriteJson(TextWriter target) => CallTreeJson.Write(database, snapshot, view, rows, percent, target);
}
