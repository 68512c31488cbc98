using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>Statistics with their whole tracebacks, each in the form in which Python prints one.</summary>
internal sealed class TracebackList(Page page, SourceFiles source)
{
    /// <param name="statistics">What to list.</param>
    /// <param name="total">What 100% is, bytes.</param>
    public void Write(IReadOnlyList<Statistic> statistics, long total)
    {
        foreach (var statistic in statistics)
        {
            page.Line(
                $"{Numbers.Size(statistic.Size)}, {Numbers.Percent(statistic.Size, total)}, in {Numbers.Of(statistic.Count, "block")}, "
                + $"{ByteSize.Format(statistic.Average)} on average",
                Page.Heading);
            if (statistic.Traceback.Count == 0)
                page.Line(Place.NoFrame);
            else
                page.Line("Traceback (most recent call last):");

            foreach (var frame in statistic.Traceback)
            {
                page.Line(
                    frame.Function == ""
                        ? $"  {frame.Filename}"
                        : $"  File \"{frame.Filename}\", line {frame.LineNumber}, in {frame.Function}");
                if (source.Find(frame.Filename, frame.LineNumber) is { } line)
                    page.Line($"    {line}", Page.Dim);
            }

            page.Line();
        }
    }
}
