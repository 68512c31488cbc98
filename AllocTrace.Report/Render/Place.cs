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
        { Domain: { } domain } => domain,
        { Thread: { } thread, Process: { } process } => $"{Thread(thread)} of process {process.Pid}",
        { Process: { } process } => Process(process),
        { Traceback.Newest: { } frame } => Describe(frame, width),
        _ => NoFrame,
    });

    /// <summary>Describes a frame: <c>file:line function</c>, without what does not matter.</summary>
    public static string Describe(Frame frame, int width = int.MaxValue)
    {
        var end = (frame.LineNumber == 0 ? "" : $":{frame.LineNumber}") + (frame.Function == "" ? "" : $" {frame.Function}");
        return ShortPath.Fit(frame.Filename, Math.Max(width - end.Length, 12)) + end;
    }

    public static string Thread(TraceThread thread) =>
        $"{(thread.Name == "" ? "thread" : thread.Name)} ({thread.OsId}{(thread.Interpreter == 0 ? "" : $", interpreter {thread.Interpreter}")})";

    public static string Process(TraceProcess process) => $"{process.Pid}: {process.Command}";
}
