using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using AllocTrace.Storage;
using Spectre.Console;

namespace AllocTrace.Report.Commands;

/// <summary>Writes the results of <c>alloctrace holders</c>.</summary>
internal sealed class HoldersReport(TraceDatabase database, IReadOnlyList<TraceMoment> moments, IReadOnlyList<string> notes, string what, int rows)
{
    private string Snapshot => string.Join(", ", moments.Select(moment => moment.Name).Distinct());

    public void Write(IReadOnlyList<HeldType> held, Output output, bool asJson)
    {
        if (asJson)
            WriteJson(held, output.Out);
        else
            WriteText(held, output);
    }

    public void Write(IReadOnlyList<GarbageOfLine> garbage, Output output, bool asJson)
    {
        if (asJson)
            WriteJson(garbage, output.Out);
        else
            WriteText(garbage, output);
    }

    private Page Begin(Output output, string title)
    {
        var page = new Page(output);
        page.Line($"{database.Path}: {title} at '{Snapshot}'", Page.Heading);
        foreach (var note in notes)
            page.Line($"NOTE: {note}", Page.Alarm);

        return page;
    }

    private void WriteText(IReadOnlyList<HeldType> held, Output output)
    {
        var page = Begin(output, $"who holds {what}");
        foreach (var type in held)
        {
            page.Line();
            page.Line($"{Numbers.Whole(type.Count)} {type.Type}, {ByteSize.Format(type.Size)}{Retained(type.Retained)}", Page.Heading);
            if (type.Holders.Count == 0)
                page.Line("  no holder is known");

            var table = Page.NewTable(("Objects", Justify.Right), ("Retained", Justify.Right), ("Held by", Justify.Left));
            foreach (var holder in Shown(type.Holders))
                table.AddRow(new Text($"{Numbers.Whole(holder.Count)}/{Numbers.Whole(type.Count)}"), new Text(holder.Retained is { } bytes ? ByteSize.Format(bytes) : ""), new Text(Printable.Text(holder.Path)));
            if (type.Holders.Count > 0)
                page.Table(table, indent: 2);
            if (type.Holders.Count > Shown(type.Holders).Count())
                page.Line($"  {Numbers.Of(type.Holders.Count - rows, "more path")}; -n 0 shows all");
        }
    }

    private void WriteText(IReadOnlyList<GarbageOfLine> garbage, Output output)
    {
        var page = Begin(output, "objects that wait for the cyclic garbage collector");
        page.Line();
        if (garbage.Count == 0)
        {
            page.Line("None: a root reaches every object");
            return;
        }

        var sizes = new SizeUnit(garbage.Select(each => each.Statistic.Size));
        GarbageOfLine[] shown = [.. Shown(garbage)];
        new PlaceTable(page, SourceFiles.Of(database.Processes), "Size", "Objects", "Type")
            .Write([.. shown.Select(each => (each.Statistic, (string[])[sizes.Format(each.Statistic.Size), Numbers.Whole(each.Statistic.Count), each.Type.ToString()]))]);
        page.Line();
        if (garbage.Count > shown.Length)
            page.Line($"{Numbers.Whole(garbage.Count - shown.Length)} more: {Numbers.Size(garbage.Skip(shown.Length).Sum(each => each.Statistic.Size))}; -n 0 shows all");

        page.Line($"Total: {Numbers.Size(garbage.Sum(each => each.Statistic.Size))} in {Numbers.Of(garbage.Sum(each => each.Statistic.Count), "object")}", Page.Heading);
    }

    private void WriteJson(IReadOnlyList<HeldType> held, TextWriter target)
    {
        using var text = BeginJson(target);
        var json = text.Json;
        json.WriteStartArray("types");
        foreach (var type in held)
        {
            json.WriteStartObject();
            json.WriteString("type", type.Type.Type);
            text.Figures(new Amount(type.Size, type.Count));
            WriteRetained(text, type.Retained);
            json.WriteStartArray("holders");
            foreach (var holder in Shown(type.Holders))
            {
                json.WriteStartObject();
                json.WriteString("path", holder.Path);
                text.Figures(new Amount(holder.Size, holder.Count));
                WriteRetained(text, holder.Retained);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteJson(IReadOnlyList<GarbageOfLine> garbage, TextWriter target)
    {
        using var text = BeginJson(target);
        text.Amount("total", new Amount(garbage.Sum(each => each.Statistic.Size), garbage.Sum(each => each.Statistic.Count)));
        text.Statistics("garbage", Shown(garbage).Select(each => each.Statistic with { Type = each.Type }));
        text.Json.WriteEndObject();
    }

    private JsonText BeginJson(TextWriter target)
    {
        var text = new JsonText(target);
        text.Json.WriteStartObject();
        text.Json.WriteString("what", what);
        text.Json.WriteString("snapshot", Snapshot);
        text.Notes(notes);
        return text;
    }

    private static void WriteRetained(JsonText text, long? bytes)
    {
        if (bytes is { } known)
            text.Json.WriteNumber("retained", known);
    }

    private static string Retained(long? bytes) => bytes is { } known ? $"; {ByteSize.Format(known)} would be freed with them" : "";

    private IEnumerable<T> Shown<T>(IEnumerable<T> all) => rows == 0 ? all : all.Take(rows);
}
