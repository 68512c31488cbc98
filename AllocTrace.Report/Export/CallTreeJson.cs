using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary><c>tree --json</c>: the frames as a list, callers before those that they called. Nested objects would be too deep for most readers.</summary>
internal static class CallTreeJson
{
    /// <param name="database">The recording.</param>
    /// <param name="snapshot">The snapshot to write.</param>
    /// <param name="title">The view, or the name of the snapshot.</param>
    /// <param name="rows">The largest number of frames; 0 for any number.</param>
    /// <param name="percent">The share of the total below which frames are left out, in percent.</param>
    /// <param name="target">The stream to write to.</param>
    public static void Write(TraceDatabase database, Snapshot snapshot, string title, int rows, int percent, TextWriter target)
    {
        using var text = new JsonText(target);
        var json = text.Json;
        json.WriteStartObject();
        json.WriteString("view", title);
        text.BytesAndBlocks("total", new MemoryAmount(snapshot.Bytes, snapshot.Blocks), new MemoryAmount(snapshot.BytesError, snapshot.BlocksError));
        text.Lost(database.Losses.Sum(loss => loss.Events));
        json.WriteStartArray("frames");
        var written = 0;
        var waiting = new Stack<(CallNode Node, int? Caller)>();
        Wait(snapshot.CallTree().Root, null);
        for (; waiting.TryPop(out var next) && (rows == 0 || written < rows); written++)
        {
            json.WriteStartObject();
            if (next.Caller is { } caller)
                json.WriteNumber("caller", caller);
            else
                json.WriteNull("caller");

            json.WriteString("filename", next.Node.Frame?.Filename ?? "");
            json.WriteNumber("lineno", next.Node.Frame?.LineNumber ?? 0);
            json.WriteString("function", next.Node.Frame?.Function ?? "");
            if (next.Node.Frame is { IsNative: true })
                json.WriteBoolean("native", true);

            text.Figures(next.Node.All, next.Node.AllError);
            text.BytesAndBlocks("own", next.Node.Own, next.Node.OwnError);
            json.WriteEndObject();
            text.FlushIfLong();
            Wait(next.Node, written);
        }

        json.WriteEndArray();
        json.WriteEndObject();

        // The largest is taken first.
        void Wait(CallNode node, int? number)
        {
            foreach (var child in node.Children.Reverse())
            {
                if (100.0 * child.All.Bytes >= (double)percent * snapshot.Bytes)
                    waiting.Push((child, number));
            }
        }
    }
}
