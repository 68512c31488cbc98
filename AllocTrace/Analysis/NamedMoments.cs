using System.Globalization;
using AllocTrace.Storage;

namespace AllocTrace.Analysis;

/// <summary>Finds the moments that a view or a name stands for, at most one of each process.</summary>
internal static class NamedMoments
{
    /// <summary>The ends, or the high-water marks, of processes.</summary>
    public static TraceMoment[] OfView(TraceDatabase database, IReadOnlyList<TraceProcess> processes, View view) =>
        Of(database, processes, moment => moment.Kind == (view == View.Live ? "live" : "peak"));

    /// <summary>The moments of a name, and what has to be said when the name does not tell which.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static (TraceMoment[] Moments, string? Note) Find(TraceDatabase database, IReadOnlyList<TraceProcess> processes, string name)
    {
        var named = Of(database, processes, moment => moment.IsNamed);
        var groups = named.Where(moment => moment.Name == name).GroupBy(moment => moment.Process).Select(group => group.ToArray()).ToArray();
        if (groups.FirstOrDefault(group => group.Length > 1) is { } several)
        {
            var pid = database.Processes.First(process => process.Id == several[0].Process).Pid;
            return (
                [.. groups.Select(group => group[^1])],
                $"process {pid} has {several.Length} snapshots named '{name}': this is the last, at {Seconds(several[^1])}; '{name}#1' is the first, at {Seconds(several[0])}");
        }

        if (groups.Length == 0 && name.LastIndexOf('#') is var sign and > 0 && int.TryParse(name.AsSpan(sign + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
            groups = [.. named.Where(moment => moment.Name == name[..sign]).GroupBy(moment => moment.Process).Where(group => group.Count() >= number).Select(group => new[] { group.ElementAt(number - 1) })];

        TraceMoment[] moments = groups.Length > 0 ? [.. groups.Select(group => group[^1])] : Of(database, processes, moment => !moment.IsNamed && moment.Kind == name);
        if (moments.Length > 0)
            return (moments, null);

        var names = string.Join(", ", named.Select(moment => $"'{moment.Name}'").Distinct());
        throw new ArgumentException($"{database.Path}: no snapshot '{name}'; there is {(names == "" ? "none" : names)}");
    }

    /// <summary>What has to be said when moments of processes are added up that did not all live at the same time; <see langword="null"/>: they did.</summary>
    public static string? LivedApart(TraceDatabase database, IReadOnlyList<TraceMoment> moments)
    {
        var ids = moments.Where(moment => moment.Bytes > 0).Select(moment => moment.Process).ToHashSet();
        TraceProcess[] processes = [.. database.Processes.Where(process => ids.Contains(process.Id))];
        if (processes.Length < 2)
            return null;

        var together = processes.Max(process => process.StartedAtNs) < processes.Min(process => process.StartedAtNs + LivedNs(database, process));
        return (together, moments.All(moment => moment.Kind == "peak")) switch
        {
            (false, true) => $"peaks of {processes.Length} processes that did not all live at the same time are added up: there was never so much at once",
            (false, false) => $"{processes.Length} processes that did not all live at the same time are added up: there was never so much at once",
            (true, true) => $"peaks of {processes.Length} processes are added up, each at a time of its own: together they may never have had so much",
            _ => null,
        };
    }

    // The recording of a process goes on until its collector finds that it has ended; what it does last is to finalize.
    private static long LivedNs(TraceDatabase database, TraceProcess process) => Math.Min(process.DurationNs, database.MomentOf(process, "live")?.AtNs ?? long.MaxValue);

    private static TraceMoment[] Of(TraceDatabase database, IReadOnlyList<TraceProcess> processes, Func<TraceMoment, bool> wanted)
    {
        var ids = processes.Select(process => process.Id).ToHashSet();
        return [.. database.Moments.Where(moment => ids.Contains(moment.Process) && wanted(moment))];
    }

    private static string Seconds(TraceMoment moment) => (moment.AtNs / 1e9).ToString("F2", CultureInfo.InvariantCulture) + " s";
}
