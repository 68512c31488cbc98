using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>
/// Names the processes that did not end by themselves. The first line of a report ends with this, because such a recording is about a
/// failure.
/// </summary>
internal static class Endings
{
    /// <summary>Returns the text to add to a heading; empty if all processes ended by themselves.</summary>
    public static string Of(TraceDatabase database, IEnumerable<TraceProcess> processes)
    {
        string[] ends = [.. processes.Select(process => Describe(database, process)).OfType<string>()];
        return ends.Length switch { 0 => "", <= 3 => $" ({string.Join("; ", ends)})", _ => $" ({string.Join("; ", ends[..3])}; {Numbers.Whole(ends.Length - 3)} more)" };
    }

    private static string? Describe(TraceDatabase database, TraceProcess process) =>
        database.Crashes.FirstOrDefault(crash => crash.Process == process.Id) is { } crash ? $"process {process.Pid} crashed: {crash.Name}"
        : process.Ending == ProcessEnding.Killed ? $"process {process.Pid} was killed"
        : null;
}
