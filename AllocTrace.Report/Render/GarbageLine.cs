using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>Says in a line what waited for the cyclic garbage collector of a process at its last snapshot with types.</summary>
internal static class GarbageLine
{
    /// <returns><see langword="null"/> when there is no such snapshot, or nothing waited.</returns>
    public static string? Of(TraceDatabase database, TraceProcess process)
    {
        if (!database.Objects.Any(objects => objects.IsRead && database.Snapshots.Any(snapshot => snapshot.Id == objects.Snapshot && snapshot.Process == process.Id)))
            return null;

        var (snapshots, _) = TypedSnapshots.Find(database, [process], name: null);
        var garbage = new HolderSearch(database, snapshots).Garbage();
        if (garbage.Count == 0)
            return null;

        var largest = garbage.GroupBy(each => each.Type).MaxBy(group => group.Sum(each => each.Statistic.Size))!;
        var when = snapshots[0].IsNamed ? $"at '{snapshots[0].Name}'" : "at the end";
        return $"{ByteSize.Format(garbage.Sum(each => each.Statistic.Size))} in {Numbers.Of(garbage.Sum(each => each.Statistic.Count), "object")} waited for the cyclic garbage collector {when}, "
            + $"most of it {Numbers.Whole(largest.Sum(each => each.Statistic.Count))} {largest.Key}: alloctrace holders {ShellWord.Quote(database.Path)} garbage";
    }
}
