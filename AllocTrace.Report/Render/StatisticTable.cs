using AllocTrace.Analysis;

namespace AllocTrace.Report.Render;

/// <summary>
/// Statistics as a table: size, exact bytes, share, count and where. Averages are left out, so that a terminal of 80 columns has room for the
/// place.
/// </summary>
internal sealed class StatisticTable(Page page, SourceFiles source)
{
    /// <summary>True to list the types of the blocks below each place.</summary>
    public bool ShowsTypes { get; init; }

    /// <summary>True to have a column for the bytes that would be freed with the blocks.</summary>
    public bool ShowsRetained { get; init; }

    /// <summary>Writes the table.</summary>
    /// <param name="statistics">The rows.</param>
    /// <param name="total">The number of bytes that is 100%.</param>
    /// <param name="indent">The indentation, in columns.</param>
    public void Write(IReadOnlyList<Statistic> statistics, long total, int indent = 0)
    {
        // The exact bytes of an estimate would say more than is known.
        var isSampled = statistics.Any(statistic => statistic.SizeError > 0);
        var sizes = new SizeUnit(statistics.Select(statistic => statistic.Size));
        string[] retained = ShowsRetained ? ["Retained"] : [];
        new PlaceTable(page, source, ["Size", .. retained, isSampled ? "±" : "Bytes", "%", "Blocks"]) { TypesOf = ShowsTypes ? statistic => TypeText.Of(statistic.Types) : null }.Write(
            [.. statistics.Select(statistic => (statistic, (string[])
            [
                sizes.Format(statistic.Size),
                .. ShowsRetained ? (string[])[sizes.Format(statistic.Retained ?? 0)] : [],
                isSampled ? sizes.Format(statistic.SizeError) : Numbers.Whole(statistic.Size),
                Numbers.Percent(statistic.Size, total),
                Numbers.Whole(statistic.Count),
            ]))],
            indent);
    }
}
