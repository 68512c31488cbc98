namespace AllocTrace.Analysis;

/// <summary>Keeps or drops traces by file name and line, exactly as <c>tracemalloc.Filter</c> does.</summary>
public sealed class Filter
{
    private readonly FileNamePattern _pattern;

    /// <summary>Creates a filter.</summary>
    /// <param name="inclusive">Whether traces that match are kept (and others dropped), or the other way round.</param>
    /// <param name="filenamePattern">A pattern for the whole file name: <c>*</c>, <c>?</c>, <c>[set]</c>. <c>.pyc</c> stands for <c>.py</c>.</param>
    /// <param name="lineNumber">The line, or <see langword="null"/> for any; 0 is the line 0.</param>
    /// <param name="allFrames">Whether any frame may match, not only the newest.</param>
    public Filter(bool inclusive, string filenamePattern, int? lineNumber = null, bool allFrames = false)
    {
        Inclusive = inclusive;
        FilenamePattern = Normalize(filenamePattern);
        LineNumber = lineNumber;
        AllFrames = allFrames;
        _pattern = new FileNamePattern(FilenamePattern);
    }

    /// <summary>Whether traces that match are kept, or dropped.</summary>
    public bool Inclusive { get; }

    /// <summary>The pattern for the file name.</summary>
    public string FilenamePattern { get; }

    /// <summary>The line, or <see langword="null"/> for any.</summary>
    public int? LineNumber { get; }

    /// <summary>Whether any frame may match, not only the newest.</summary>
    public bool AllFrames { get; }

    internal bool MatchesFile(string filename) => _pattern.Matches(Normalize(filename));

    internal bool MatchesLine(int lineNumber) => LineNumber is null || LineNumber == lineNumber;

    // tracemalloc applies os.path.normcase too, which changes nothing on the systems whose traces we read.
    private static string Normalize(string filename) =>
        filename.EndsWith(".pyc", StringComparison.Ordinal) ? filename[..^1] : filename;
}
