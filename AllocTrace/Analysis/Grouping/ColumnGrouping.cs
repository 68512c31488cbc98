using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Groups by a row of a small table: domain, thread or process. Ties keep the order of the table.</summary>
/// <param name="rows">The table.</param>
/// <param name="rowOfSite">The index of a site's row.</param>
/// <param name="describe">Names a row in a statistic.</param>
/// <param name="nameOfRow">Returns the key that equal rows of two recordings have in common.</param>
internal sealed class ColumnGrouping<T>(
    IReadOnlyList<T> rows, Func<Site, int> rowOfSite, Func<Statistic, T, Statistic> describe, Func<T, string> nameOfRow) : Grouping
{
    private readonly Func<T, string> _nameOfRow = nameOfRow;
    private readonly IReadOnlyList<T> _rows = rows;

    public override int Count => _rows.Count;

    public override int GroupOf(in Site site) => rowOfSite(site);

    public override int Compare(int a, int b) => b.CompareTo(a);

    /// <summary>Rows of one name are distinguished by their order: the second worker thread is compared with the second.</summary>
    public override int[] Match(Grouping other)
    {
        var ours = Numbered(this).Select((name, row) => (name, row)).ToDictionary(pair => pair.name, pair => pair.row);
        return [.. Numbered((ColumnGrouping<T>)other).Select(name => ours.GetValueOrDefault(name, -1))];

        static IEnumerable<(string Name, int Number)> Numbered(ColumnGrouping<T> grouping)
        {
            var seen = new Dictionary<string, int>();
            foreach (var name in grouping._rows.Select(grouping._nameOfRow))
                yield return (name, seen[name] = seen.GetValueOrDefault(name) + 1);
        }
    }

    public override Statistic Describe(int group, long bytes, long blocks, int stack = 0) =>
        describe(new Statistic(bytes, blocks, Traceback.Empty), _rows[group]);
}
