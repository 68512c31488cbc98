using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Groups by a row of a small table: domain, thread or process. Ties keep the order of the table.</summary>
/// <param name="rows">The table.</param>
/// <param name="rowOfSite">The index of a site's row.</param>
/// <param name="describe">Names a row in a statistic.</param>
internal sealed class ColumnGrouping<T>(IReadOnlyList<T> rows, Func<Site, int> rowOfSite, Func<Statistic, T, Statistic> describe) : Grouping
{
    public override int Count => rows.Count;

    public override int GroupOf(in Site site) => rowOfSite(site);

    public override int Compare(int a, int b) => b.CompareTo(a);

    public override Statistic Describe(int group, long size, long count) =>
        describe(new Statistic(size, count, Traceback.Empty), rows[group]);
}
