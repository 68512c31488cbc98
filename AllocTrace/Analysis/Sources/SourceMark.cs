namespace AllocTrace.Analysis;

/// <summary>The line of source of a frame, without white space around it, and the part of it that is an expression.</summary>
/// <param name="Text">The line.</param>
/// <param name="Mark">Characters of it; <see langword="null"/> when the expression is not known, or is the whole line.</param>
internal sealed record SourceMark(string Text, Range? Mark)
{
    /// <returns>The mark, or <see langword="null"/> if the line is blank or cannot be read.</returns>
    public static SourceMark? Find(SourceFiles source, Frame frame, Expression? expression)
    {
        if (source.FindWhole(frame.Filename, frame.LineNumber) is not { } line || source.Find(frame.Filename, frame.LineNumber) is not { } text)
            return null;

        if (expression?.Within(line, frame.LineNumber) is not { } marked)
            return new SourceMark(text, null);

        var indent = line.IndexOf(text, StringComparison.Ordinal);
        var (start, end) = (Math.Max(0, marked.Start.Value - indent), Math.Min(text.Length, marked.End.Value - indent));
        return new SourceMark(text, start >= end || (start == 0 && end == text.Length) ? null : start..end);
    }

    /// <summary>Carets below the mark.</summary>
    public string? Carets => Mark is { } mark ? new string(' ', mark.Start.Value) + new string('^', mark.End.Value - mark.Start.Value) : null;
}
