using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>Looks up lines of source files, as long as they are the files that were recorded. Not thread-safe.</summary>
/// <param name="recordedAt">Files changed after this moment may have other content on a line, and are not shown.</param>
internal sealed class SourceLines(DateTimeOffset recordedAt)
{
    private const long LargestFile = 16 * 1024 * 1024;

    private readonly Dictionary<string, string[]> _files = [];

    /// <summary>The sources of processes, as they were before the first of them began.</summary>
    public static SourceLines Of(IEnumerable<TraceProcess> processes) =>
        new(processes.Select(process => process.StartedAt).DefaultIfEmpty(DateTimeOffset.MinValue).Min());

    /// <summary>The line without its indentation; <see langword="null"/> when it is blank or the file is not there.</summary>
    public string? Find(string filename, int lineNumber)
    {
        if (!_files.TryGetValue(filename, out var lines))
            _files.Add(filename, lines = Read(filename));

        return lineNumber > 0 && lineNumber <= lines.Length && lines[lineNumber - 1].Trim() is { Length: > 0 } line ? line : null;
    }

    private string[] Read(string filename)
    {
        try
        {
            // Devices and pipes have no length; they would be read for ever.
            var file = new FileInfo(filename);
            return file.Exists && file.Length is > 0 and < LargestFile && file.LastWriteTimeUtc <= recordedAt
                ? File.ReadAllLines(filename)
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return [];
        }
    }
}
