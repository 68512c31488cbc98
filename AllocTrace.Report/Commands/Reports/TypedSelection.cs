using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>The selection of <c>alloctrace holders</c>.</summary>
/// <param name="Database">The recording.</param>
/// <param name="Snapshots">Its snapshots with types.</param>
/// <param name="Notes">The notes on the snapshots.</param>
/// <param name="What">A line, a type, or garbage.</param>
/// <param name="Rows">The number of rows to show; 0 for all.</param>
internal sealed record TypedSelection(TraceDatabase Database, IReadOnlyList<TraceSnapshot> Snapshots, IReadOnlyList<string> Notes, string What, int Rows)
{
    /// <summary>The files of the program.</summary>
    public SourceFiles Sources => SourceFiles.Of(Database.Processes);

    private string Name => string.Join(", ", Snapshots.Select(snapshot => snapshot.IsNamed ? snapshot.Name : snapshot.Kind.Word()).Distinct());

    /// <summary>Begins a page with a title and the notes.</summary>
    public Page Begin(Output output, string title)
    {
        var page = new Page(output);
        page.Line($"{Database.Path}: {title} at '{Name}'", Page.Heading);
        foreach (var note in Notes)
            page.Line($"NOTE: {note}", Page.Alarm);

        return page;
    }

    /// <summary>Begins an object with what was asked. The caller ends it and owns the text.</summary>
    public JsonText BeginJson(TextWriter target)
    {
        var text = new JsonText(target);
        text.Json.WriteStartObject();
        text.Json.WriteString("what", What);
        text.Json.WriteString("snapshot", Name);
        text.Notes(Notes);
        return text;
    }

    /// <summary>Returns the rows that are shown.</summary>
    public IEnumerable<T> Shown<T>(IEnumerable<T> all) => Rows == 0 ? all : all.Take(Rows);
}
