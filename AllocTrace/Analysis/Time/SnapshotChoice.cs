using System.Globalization;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds the snapshots that a view or a name stands for, at most one of each process.</summary>
internal static class SnapshotChoice
{
    /// <summary>The ends, or the high-water marks, of processes.</summary>
    public static TraceSnapshot[] OfView(TraceDatabase database, IReadOnlyList<TraceProcess> processes, View view) =>
        Of(database, processes, snapshot => snapshot.Kind == (view == View.Live ? SnapshotKind.Live : SnapshotKind.Peak));

    /// <summary>Finds the snapshots of a name, with a note if the name is ambiguous.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static (TraceSnapshot[] Snapshots, string? Note) Find(TraceDatabase database, IReadOnlyList<TraceProcess> processes, string name)
    {
        var named = Of(database, processes, snapshot => snapshot.IsNamed);
        var groups = named.Where(snapshot => snapshot.Name == name).GroupBy(snapshot => snapshot.Process).Select(group => group.ToArray()).ToArray();
        if (groups.FirstOrDefault(group => group.Length > 1) is { } several)
        {
            var pid = database.Processes.First(process => process.Id == several[0].Process).Pid;
            return (
                [.. groups.Select(group => group[^1])],
                $"process {pid} has {several.Length} snapshots named '{name}': this is the last, at {Seconds(several[^1])}; '{name}#1' is the first, at {Seconds(several[0])}");
        }

        if (groups.Length == 0 && name.LastIndexOf('#') is var sign and > 0 && int.TryParse(name.AsSpan(sign + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
            groups = [.. named.Where(snapshot => snapshot.Name == name[..sign]).GroupBy(snapshot => snapshot.Process).Where(group => group.Count() >= number).Select(group => new[] { group.ElementAt(number - 1) })];

        TraceSnapshot[] snapshots = groups.Length > 0 ? [.. groups.Select(group => group[^1])] : Of(database, processes, snapshot => !snapshot.IsNamed && snapshot.Kind.Word() == name);
        if (snapshots.Length > 0)
            return (snapshots, null);

        var names = string.Join(", ", named.Select(snapshot => $"'{snapshot.Name}'").Distinct());
        throw new ArgumentException($"{database.Path}: no snapshot '{name}'; there is {(names == "" ? "none" : names)}");
    }

    /// <summary>Returns the note on summing up snapshots of processes that did not all live at the same time, or <see langword="null"/> if they did.</summary>
    public static string? LivedApart(TraceDatabase database, IReadOnlyList<TraceSnapshot> snapshots)
    {
        var ids = snapshots.Where(snapshot => snapshot.Bytes > 0).Select(snapshot => snapshot.Process).ToHashSet();
        TraceProcess[] processes = [.. database.Processes.Where(process => ids.Contains(process.Id))];
        if (processes.Length < 2)
            return null;

        var together = processes.Max(process => process.StartedAtNs) < processes.Min(process => process.StartedAtNs + LivedNs(database, process));
        return (together, snapshots.All(snapshot => snapshot.Kind == SnapshotKind.Peak)) switch
        {
            (false, true) => $"peaks of {processes.Length} processes that did not all live at the same time are added up: the total was never in use at once",
            (false, false) => $"{processes.Length} processes that did not all live at the same time are added up: the total was never in use at once",
            (true, true) => $"peaks of {processes.Length} processes are added up, each at its own time: the total may never have been in use at once",
            _ => null,
        };
    }

    // The recording of a process continues until its collector finds that it has ended; what it does last is to finalize.
    private static long LivedNs(TraceDatabase database, TraceProcess process) => Math.Min(process.DurationNs, database.SnapshotOf(process, SnapshotKind.Live)?.AtNs ?? long.MaxValue);

    private static TraceSnapshot[] Of(TraceDatabase database, IReadOnlyList<TraceProcess> processes, Func<TraceSnapshot, bool> wanted)
    {
        var ids = processes.Select(process => process.Id).ToHashSet();
        return [.. database.Snapshots.Where(snapshot => ids.Contains(snapshot.Process) && wanted(snapshot))];
    }

    private static string Seconds(TraceSnapshot snapshot) => (snapshot.AtNs / 1e9).ToString("F2", CultureInfo.InvariantCulture) + " s";
}
