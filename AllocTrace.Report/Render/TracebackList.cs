using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Statistics with their whole tracebacks, each in the form in which Python prints one.</summary>
internal sealed class TracebackList(Page page, SourceFiles source)
{
    /// <param name="statistics">The groups to list.</param>
    /// <param name="total">The number of bytes that is 100%.</param>
    public void Write(IReadOnlyList<Statistic> statistics, long total)
    {
        foreach (var statistic in statistics)
        {
            Write(
                $"{Numbers.Size(statistic.Size)}{Numbers.Error(statistic.SizeError)}, {Numbers.Percent(statistic.Size, total)}, in {Numbers.Of(statistic.Count, "block")}, "
                + $"{ByteSize.Format(statistic.Average)} on average",
                statistic.Traceback,
                statistic.Expression);
        }
    }

    /// <param name="differences">The groups to list.</param>
    public void Write(IReadOnlyList<StatisticDiff> differences)
    {
        foreach (var difference in differences)
        {
            Write(
                $"{Numbers.Growth(difference.SizeDiff)}{Numbers.Error(difference.SizeDiffError)} in {Numbers.Signed(difference.CountDiff)} blocks, "
                + $"now {Numbers.Size(difference.Size)} in {Numbers.Whole(difference.Count)}",
                difference.Traceback);
        }
    }

    private void Write(string heading, Traceback traceback, Expression? expression = null)
    {
        page.Line(heading, Page.Heading);
        page.Line(traceback.Count == 0 ? Place.NoFrame : "Traceback (most recent call last):");
        var newest = traceback.Count - 1; // of Python's, which has the expression
        while (newest > 0 && traceback[newest].IsNative)
            newest--;

        for (var i = 0; i < traceback.Count; i++)
        {
            var frame = traceback[i];
            if (frame.IsNative)
            {
                page.Line($"  {Place.Describe(frame)}");
                continue;
            }

            page.Line(
                frame.Function == ""
                    ? $"  {frame.Filename}"
                    : $"  File \"{frame.Filename}\", line {frame.LineNumber}, in {frame.Function}");
            if (SourceMark.Find(source, frame, i == newest ? expression : null) is not { } line)
                continue;

            page.Line($"    {line.Text}", Page.Dim);
            if (line.Carets is { } carets)
                page.Line($"    {carets}", Page.Dim);
        }

        page.Line();
    }
}
