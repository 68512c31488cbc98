using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>A few lines of source under a heading, for overviews.</summary>
internal sealed class TopLines(Page page, SourceFiles source)
{
    /// <param name="what">What the lines do: <c>hold most at the end</c>.</param>
    /// <param name="statistics">The lines.</param>
    /// <param name="total">What 100% is, bytes.</param>
    /// <param name="indent">How far to indent the table, columns.</param>
    public void Write(string what, StatisticList statistics, long total, int indent)
    {
        if (statistics.Count == 0)
            return;

        page.Line();
        page.Line($"{new string(' ', indent)}Lines that {what}", Page.Heading);
        new StatisticTable(page, source).Write(statistics, total, indent);
    }
}
