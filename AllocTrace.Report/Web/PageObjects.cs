using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>Adds the types and holders of lines to a page: for the lines with most bytes at the last snapshot with types.</summary>
internal static class PageObjects
{
    private const int MostLines = 500, MostHolders = 3;

    /// <summary>Writes them as a property, if the recording has them.</summary>
    public static void Write(Utf8JsonWriter json, TraceDatabase database, IReadOnlyList<TraceProcess> processes)
    {
        if (!database.Objects.Any(objects => objects.IsRead && processes.Any(process => database.Snapshots.Any(snapshot => snapshot.Id == objects.Snapshot && snapshot.Process == process.Id))))
            return;

        var (snapshots, notes) = TypedSnapshots.Find(database, processes, name: null);
        var lines = FrameGrouping.ByLine(database.Stacks);
        var holders = snapshots.SelectMany(database.ReadHolders).ToLookup(holder => lines.GroupOf(database.Sites.Sites[holder.Site]));
        var held = holders.ToDictionary(group => Key(lines.Describe(group.Key, 0, 0).Traceback), Held);
        var statistics = new Snapshot(database, database.ReadTypedSites(snapshots), notes, hasTypes: true).Statistics(GroupBy.Lineno, limit: MostLines);

        json.WriteStartObject("objects");
        json.WriteString("name", snapshots[0].IsNamed ? snapshots[0].Name : "");
        json.WriteStartArray("lines");
        foreach (var statistic in statistics.Where(statistic => statistic.Traceback.Newest is not null))
        {
            var key = Key(statistic.Traceback);
            json.WriteStartObject();
            json.WriteString("file", key.File);
            json.WriteNumber("line", key.Line);
            json.WriteString("types", TypeText.Of(statistic.Types));
            json.WriteStartArray("holders");
            foreach (var path in held.GetValueOrDefault(key, []))
                json.WriteStringValue(path);

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static (string File, int Line) Key(Traceback traceback) => traceback.Newest is { } frame ? (frame.Filename, frame.LineNumber) : ("", 0);

    private static string[] Held(IEnumerable<TraceHolder> holders) =>
    [
        .. holders.GroupBy(holder => (holder.Type, holder.Path))
            .Select(same => (Type: BlockType.OfObjects(same.Key.Type), same.Key.Path, Blocks: same.Sum(holder => holder.Blocks), Bytes: same.Sum(holder => holder.Retained ?? holder.Bytes)))
            .OrderByDescending(held => held.Bytes).ThenByDescending(held => held.Blocks).ThenBy(held => held.Path, StringComparer.Ordinal)
            .Take(MostHolders)
            .Select(held => $"{Numbers.Whole(held.Blocks)} {held.Type} held by {held.Path}"),
    ];
}
