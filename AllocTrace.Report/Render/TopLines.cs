using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>A few lines of source under a heading, for overviews.</summary>
internal sealed class TopLines(Page page, SourceFiles source)
{
    /// <param name="what">The words for the lines, for example <c>hold most at the end</c>.</param>
    /// <param name="statistics">The lines.</param>
    /// <param name="total">The number of bytes that is 100%.</param>
    /// <param name="indent">The indentation of the table, in columns.</param>
    public void Write(string what, StatisticList statistics, long total, int indent)
    {
        if (statistics.Count == 0)
            return;

        page.Line();
        page.Line($"{new string(' ', indent)}Lines that {what}", Page.Heading);
        new StatisticTable(page, source).Write(statistics, total, indent);
    }
}
