using AllocTrace.Analysis;
using AllocTrace.Report.Export;
using AllocTrace.Report.Render;
using Spectre.Console;

namespace AllocTrace.Report.Commands;

/// <summary>Writes who holds objects, for <c>alloctrace holders</c>.</summary>
internal sealed class HoldersReport(TypedSelection selection, IReadOnlyList<HeldType> held) : IReport
{
    public void WriteText(Output output)
    {
        var page = selection.Begin(output, $"who holds {selection.What}");
        foreach (var type in held)
        {
            page.Line();
            page.Line($"{Numbers.Whole(type.Count)} {type.Type}, {ByteSize.Format(type.Size)}{Retained(type.Retained)}", Page.Heading);
            if (type.Holders.Count == 0)
                page.Line("  no holder is known: they are garbage, or of lines and types that retain too little to be kept");
            else
                page.Table(Table(type), indent: 2);

            if (type.Holders.Count > selection.Shown(type.Holders).Count())
                page.Line($"  {Numbers.Of(type.Holders.Count - selection.Rows, "more path")}; -n 0 shows all");
        }
    }

    public void WriteJson(TextWriter target)
    {
        using var text = selection.BeginJson(target);
        var json = text.Json;
        json.WriteStartArray("types");
        foreach (var type in held)
        {
            json.WriteStartObject();
            json.WriteString("type", type.Type.Type);
            text.Figures(new MemoryAmount(type.Size, type.Count));
            WriteRetained(text, type.Retained);
            json.WriteStartArray("holders");
            foreach (var holder in selection.Shown(type.Holders))
            {
                json.WriteStartObject();
                json.WriteString("path", holder.Path);
                text.Figures(new MemoryAmount(holder.Size, holder.Count));
                WriteRetained(text, holder.Retained);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private Table Table(HeldType type)
    {
        var table = Page.NewTable(("Objects", Justify.Right), ("Retained", Justify.Right), ("Held by", Justify.Left));
        foreach (var holder in selection.Shown(type.Holders))
        {
            table.AddRow(
                new Text($"{Numbers.Whole(holder.Count)}/{Numbers.Whole(type.Count)}"),
                new Text(holder.Retained is { } bytes ? ByteSize.Format(bytes) : ""),
                new Text(Printable.Text(holder.Path)));
        }

        return table;
    }

    private static void WriteRetained(JsonText text, long? bytes)
    {
        if (bytes is { } known)
            text.Json.WriteNumber("retained", known);
    }

    private static string Retained(long? bytes) => bytes is { } known ? $"; {ByteSize.Format(known)} would be freed with them" : "";
}
