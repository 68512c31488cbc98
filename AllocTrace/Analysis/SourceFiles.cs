using System.Text;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Looks up lines of source files as Python's <c>linecache</c> does; optionally only while they are the files that were recorded. Each file is
/// read once. Not thread-safe.
/// </summary>
/// <param name="unchangedSince">Files changed after this moment may have other content on a line, and have none here.</param>
public sealed class SourceFiles(DateTimeOffset unchangedSince)
{
    private const long LargestFile = 16 * 1024 * 1024;

    private readonly Dictionary<string, string[]> _files = [];

    /// <summary>Files as they are now.</summary>
    public SourceFiles()
        : this(DateTimeOffset.MaxValue)
    {
    }

    /// <summary>The sources of processes, in their state before the first of them began.</summary>
    public static SourceFiles Of(IEnumerable<TraceProcess> processes) =>
        new(processes.Select(process => process.StartedAt).DefaultIfEmpty(DateTimeOffset.MinValue).Min());

    /// <summary>The line without white space around it; <see langword="null"/> when it is blank or the file is not there.</summary>
    public string? Find(string filename, int lineNumber) => FindWhole(filename, lineNumber) is { } line && Strip(line) is { Length: > 0 } text ? text : null;

    /// <summary>The line as it is in the file; <see langword="null"/> when there is none.</summary>
    public string? FindWhole(string filename, int lineNumber)
    {
        if (lineNumber <= 0)
            return null;

        if (!_files.TryGetValue(filename, out var lines))
            _files.Add(filename, lines = Read(filename));

        return lineNumber <= lines.Length ? lines[lineNumber - 1] : null;
    }

    private static string Strip(string line)
    {
        var text = line.AsSpan();
        while (text.Length > 0 && IsSpace(text[0]))
            text = text[1..];
        while (text.Length > 0 && IsSpace(text[^1]))
            text = text[..^1];

        return text.ToString();
    }

    // str.strip() takes the four separators of ASCII for white space; .NET does not.
    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    private string[] Read(string filename)
    {
        try
        {
            // Devices and pipes have no length; they would be read for ever.
            var file = new FileInfo(filename);
            return file.Exists && file.Length is > 0 and < LargestFile && file.LastWriteTimeUtc <= unchangedSince
                ? Lines(SourceText.Decode(File.ReadAllBytes(filename)))
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return []; // DecoderFallbackException is an ArgumentException: text in another encoding than the file says
        }
    }

    private static string[] Lines(string text)
    {
        var lines = new List<string>();
        using var reader = new StringReader(text);
        while (reader.ReadLine() is { } line)
            lines.Add(line);

        return [.. lines];
    }
}
