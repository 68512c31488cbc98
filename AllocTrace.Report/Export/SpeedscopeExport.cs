using System.Text.Encodings.Web;
using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Report.Render;

namespace AllocTrace.Report.Export;

/// <summary><c>export --format speedscope</c>: a sampled profile for each snapshot, in the file format that speedscope documents.</summary>
internal static class SpeedscopeExport
{
    private const int FlushBytes = 1 << 16;

    /// <param name="name">The name of the whole.</param>
    /// <param name="snapshots">The profiles; all of one recording.</param>
    /// <param name="unit">The unit of the weights.</param>
    /// <param name="target">Gets the file.</param>
    public static void Write(string name, IReadOnlyList<(string Name, Snapshot Snapshot)> snapshots, StackWeight unit, Stream target)
    {
        using var json = new Utf8JsonWriter(target, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        var stacks = snapshots[0].Snapshot.Database.Stacks;

        // Frames are distinguished by code and line; the one without is 0.
        var frames = new Dictionary<(int Code, int Line), int> { [(-1, 0)] = 0 };
        var frameOfStack = new int[stacks.Count];
        for (var stack = 1; stack < stacks.Count; stack++)
        {
            var key = (stacks.Code[stack], stacks.Line[stack]);
            if (!frames.TryGetValue(key, out frameOfStack[stack]))
                frames.Add(key, frameOfStack[stack] = frames.Count);
        }

        json.WriteStartObject();
        json.WriteString("$schema", "https://www.speedscope.app/file-format-schema.json");
        json.WriteString("name", name);
        json.WriteString("exporter", $"alloctrace {typeof(SpeedscopeExport).Assembly.GetName().Version!.ToString(3)}");
        json.WriteNumber("activeProfileIndex", 0);
        json.WriteStartObject("shared");
        json.WriteStartArray("frames");
        foreach (var (code, line) in frames.Keys)
        {
            json.WriteStartObject();
            json.WriteString("name", code < 0 ? Place.NoFrame : FunctionOf(code) is { Length: > 0 } function ? function : FileOf(code));
            if (code >= 0)
            {
                json.WriteString("file", FileOf(code));
                if (!stacks.Codes[code].IsNative)
                    json.WriteNumber("line", line);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartArray("profiles");
        foreach (var (title, snapshot) in snapshots)
            WriteProfile(json, title, snapshot, unit, frameOfStack);

        json.WriteEndArray();
        json.WriteEndObject();

        string FunctionOf(int code) => stacks.Codes.Text(stacks.Codes[code].Function);
        string FileOf(int code) => stacks.Codes.Text(stacks.Codes[code].Filename);
    }

    private static void WriteProfile(Utf8JsonWriter json, string title, Snapshot snapshot, StackWeight unit, int[] frameOfStack)
    {
        var stacks = snapshot.Database.Stacks;
        var weights = new long[stacks.Count];
        foreach (var part in snapshot.Parts)
        {
            foreach (ref readonly var site in part.Sites)
                weights[site.Stack] += unit.Of(site);
        }

        json.WriteStartObject();
        json.WriteString("type", "sampled");
        json.WriteString("name", title);
        json.WriteString("unit", unit == StackWeight.Bytes ? "bytes" : "none");
        json.WriteNumber("startValue", 0);
        json.WriteNumber("endValue", weights.Sum());
        json.WriteStartArray("samples");
        var path = new List<int>();
        for (var stack = 0; stack < weights.Length; stack++)
        {
            if (weights[stack] == 0)
                continue;

            path.Clear();
            for (var at = stack; at != 0; at = stacks.Caller[at])
                path.Add(frameOfStack[at]);
            if (stack == 0)
                path.Add(0);

            json.WriteStartArray();
            for (var i = path.Count - 1; i >= 0; i--)
                json.WriteNumberValue(path[i]);

            json.WriteEndArray();
            if (json.BytesPending > FlushBytes)
                json.Flush();
        }

        json.WriteEndArray();
        json.WriteStartArray("weights");
        foreach (var weight in weights.Where(weight => weight != 0))
            json.WriteNumberValue(weight);

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
