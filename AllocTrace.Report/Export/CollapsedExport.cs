using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Export;

/// <summary><c>export --format collapsed</c>: a line for each stack, its frames joined by semicolons, then the weight.</summary>
internal static class CollapsedExport
{
    public static void Write(Snapshot snapshot, StackWeight unit, TextWriter target)
    {
        var database = snapshot.Database;
        var weights = new Dictionary<(int Process, int Stack), long>();
        foreach (var part in snapshot.Parts)
        {
            foreach (ref readonly var site in part.Sites)
                weights[(site.Process, site.Stack)] = weights.GetValueOrDefault((site.Process, site.Stack)) + unit.Of(site);
        }

        var stacks = database.Stacks;
        var names = new Dictionary<(int Code, int Line), string>();
        var path = new List<string>();
        foreach (var ((process, stack), weight) in weights.OrderBy(pair => pair.Key.Process).ThenBy(pair => pair.Key.Stack))
        {
            if (weight == 0)
                continue;

            path.Clear();
            for (var at = stack; at != 0; at = stacks.Caller[at])
                path.Add(NameOf(at));

            // One process is the whole recording: it is worth a frame only where there are others.
            if (database.Processes.Count > 1)
                target.Write(Word(Place.Process(database.Processes[process])) + ";");

            if (path.Count == 0)
                target.Write(Place.NoFrame);
            for (var i = path.Count - 1; i >= 0; i--)
            {
                target.Write(path[i]);
                if (i > 0)
                    target.Write(';');
            }

            target.Write($" {weight}\n");
        }

        string NameOf(int stack)
        {
            var key = (stacks.Code[stack], stacks.Line[stack]);
            if (!names.TryGetValue(key, out var name))
                names[key] = name = Word(Name(stacks.FrameOf(stack)));

            return name;
        }
    }

    private static string Name(Frame frame) => frame.IsNative ? Place.Describe(frame) : frame.Function == "" ? frame.Filename : $"{frame.Function} ({frame.Filename}:{frame.LineNumber})";

    // The format has no escapes.
    private static string Word(string text) => Printable.Text(text).Replace(';', ':');
}
