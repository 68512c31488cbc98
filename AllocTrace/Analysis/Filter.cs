using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Keeps or drops traces by file name and line, exactly as <c>tracemalloc.Filter</c> does.</summary>
public sealed class Filter : TraceFilter
{
    private readonly FileNamePattern _pattern;
    private readonly DomainName? _domain;

    /// <summary>Creates a filter.</summary>
    /// <param name="inclusive">True to keep matching traces and drop others; false for the reverse.</param>
    /// <param name="filenamePattern">A pattern for the whole file name: <c>*</c>, <c>?</c>, <c>[set]</c>. <c>.pyc</c> stands for <c>.py</c>.</param>
    /// <param name="lineNumber">The line, or <see langword="null"/> for any line.</param>
    /// <param name="allFrames">True if any frame may match; false for the newest frame only.</param>
    /// <param name="domain">
    /// The number of the domain of matching traces, as in <see cref="DomainFilter"/>; <see langword="null"/> for any domain.
    /// </param>
    public Filter(bool inclusive, string filenamePattern, int? lineNumber = null, bool allFrames = false, long? domain = null)
        : base(inclusive)
    {
        FilenamePattern = Normalize(filenamePattern);
        LineNumber = lineNumber;
        AllFrames = allFrames;
        Domain = domain;
        _pattern = new FileNamePattern(FilenamePattern);
        _domain = domain is { } number ? new DomainName(number) : null;
    }

    /// <summary>The pattern for the file name.</summary>
    public string FilenamePattern { get; }

    /// <summary>The line, or <see langword="null"/> for any line.</summary>
    public int? LineNumber { get; }

    /// <summary>True if any frame may match; false for the newest frame only.</summary>
    public bool AllFrames { get; }

    /// <summary>The domain's number in tracemalloc, or <see langword="null"/> for any domain.</summary>
    public long? Domain { get; }

    internal override bool MatchesDomain(TraceDomain domain) => _domain is not { } wanted || wanted.Matches(domain);

    /// <summary>Decides for all stacks at once; each file name is matched once.</summary>
    internal override bool[] MatchingStacks(StackTable stacks)
    {
        var files = new bool?[stacks.Codes.TextCount];
        var matching = new bool[stacks.Count]; // no frame, no match
        var attributed = stacks.Attributed();
        for (var stack = 1; stack < matching.Length; stack++)
        {
            if (!AllFrames && attributed is not null && attributed[stack] != stack)
            {
                matching[stack] = matching[attributed[stack]];
                continue;
            }

            var file = stacks.Codes[stacks.Code[stack]].Filename;
            matching[stack] = (AllFrames && matching[stacks.Caller[stack]])
                || ((LineNumber is null || LineNumber == stacks.Line[stack])
                    && (files[file] ??= _pattern.Matches(Normalize(stacks.Codes.Text(file)))));
        }

        return matching;
    }

    // tracemalloc applies os.path.normcase too, which changes nothing on the systems whose traces we read.
    private static string Normalize(string filename) =>
        filename.EndsWith(".pyc", StringComparison.Ordinal) ? filename[..^1] : filename;
}
