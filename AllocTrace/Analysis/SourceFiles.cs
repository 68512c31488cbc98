using System.Text;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>
/// Looks up lines of source files as Python's <c>linecache</c> does; optionally only in files that did not change since the recording. Each
/// file is read once. Not thread-safe.
/// </summary>
/// <param name="unchangedSince">
/// The time after which a file must not have been changed. No lines are found in files that were changed later.
/// </param>
public sealed class SourceFiles(DateTimeOffset unchangedSince)
{
    private const long LargestFile = 16 * 1024 * 1024;

    private readonly Dictionary<string, string[]> _files = [];

    /// <summary>Creates a reader of the files in their present state.</summary>
    public SourceFiles()
        : this(DateTimeOffset.MaxValue)
    {
    }

    /// <summary>Creates a reader of the source files of processes that did not change since the first of them began.</summary>
    /// <param name="processes">The processes.</param>
    /// <returns>The reader.</returns>
    public static SourceFiles Of(IEnumerable<TraceProcess> processes) =>
        new(processes.Select(process => process.StartedAt).DefaultIfEmpty(DateTimeOffset.MinValue).Min());

    /// <summary>Finds a line, without the white space around it.</summary>
    /// <param name="filename">The file, as <see cref="Frame.Filename"/> has it.</param>
    /// <param name="lineNumber">The line, from 1.</param>
    /// <returns>The line, or <see langword="null"/> if it is blank or the file cannot be read.</returns>
    public string? Find(string filename, int lineNumber) => FindWhole(filename, lineNumber) is { } line && Strip(line) is { Length: > 0 } text ? text : null;

    /// <summary>Finds a line, with its white space.</summary>
    /// <param name="filename">The file, as <see cref="Frame.Filename"/> has it.</param>
    /// <param name="lineNumber">The line, from 1.</param>
    /// <returns>The line, or <see langword="null"/> if there is none or the file cannot be read.</returns>
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
