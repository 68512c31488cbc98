using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>Names what a statistic is about, in one printable line.</summary>
internal static class Place
{
    public const string NoFrame = "<no Python frame>";

    /// <summary>Describes a statistic in about <paramref name="width"/> columns, by shortening the path.</summary>
    public static string Describe(Statistic statistic, int width = int.MaxValue) => Printable.Text(statistic switch
    {
        { Type: { } type } => type.ToString(),
        { Domain: { } domain } => domain,
        { Thread: { } thread, Process: { } process } => $"{Thread(thread)} of process {process.Pid}",
        { Process: { } process } => Process(process),
        { Traceback.Newest: { } frame } => Describe(frame, width),
        _ => NoFrame,
    });

    /// <summary>Describes a frame: <c>file:line function</c>, without what does not matter.</summary>
    public static string Describe(Frame frame, int width = int.MaxValue)
    {
        if (frame.IsNative)
            return Native(frame);

        var end = Line(frame) + (frame.Function == "" ? "" : $" {frame.Function}");
        return ShortPath.Fit(frame.Filename, Math.Max(width - end.Length, NameLength(frame.Filename))) + end;
    }

    /// <summary>Returns the number of columns that the file's name and the line of a statistic take: less of it would not say where it is.</summary>
    public static int LeastWidth(Statistic statistic) => statistic is { Domain: null, Thread: null, Process: null, Traceback.Newest: { } frame } ? LeastWidth(frame) : 0;

    /// <summary>Returns the least width of a frame, in columns.</summary>
    public static int LeastWidth(Frame frame) => frame.IsNative ? Native(frame).Length : NameLength(frame.Filename) + Line(frame).Length;

    /// <summary>Names a C function: <c>[C] function (library)</c>. Without a symbol its name has the library already.</summary>
    private static string Native(Frame frame)
    {
        var library = frame.Filename[(frame.Filename.LastIndexOf('/') + 1)..];
        return frame.Function.StartsWith($"{library}+", StringComparison.Ordinal) ? $"[C] {frame.Function}" : $"[C] {frame.Function} ({library})";
    }

    private static string Line(Frame frame) => frame.LineNumber == 0 ? "" : $":{frame.LineNumber}";

    // With the ellipsis and the separator before it.
    private static int NameLength(string path) => path.LastIndexOf('/') is var slash and >= 0 ? path.Length - slash + 1 : path.Length;

    public static string Thread(TraceThread thread) =>
        $"{(thread.Name == "" ? "thread" : thread.Name)} ({thread.OsId}{(thread.Interpreter == 0 ? "" : $", interpreter {thread.Interpreter}")})";

    public static string Process(TraceProcess process) => $"{process.Pid}: {process.Command}";
}
