using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Render;

/// <summary>
/// Says what a recording does not have, and what is estimated in it. Every report begins with it, because figures that are too low look like
/// any other.
/// </summary>
internal static class Caveats
{
    public static void Write(Page page, IEnumerable<TraceProcess> processes, IReadOnlyList<TraceLoss> losses)
    {
        var intervals = processes.Select(process => process.SampleBytes).Where(bytes => bytes > 0).Distinct().Order().ToArray();
        if (intervals.Length > 0)
        {
            var every = string.Join(" or ", intervals.Select(bytes => ByteSize.Format(bytes)));
            page.Line($"SAMPLED, one allocation per {every} on average: figures are estimates; the true value is within ± in 95 of 100 cases", Page.Alarm);
        }

        foreach (var group in losses.GroupBy(loss => loss.Reason))
        {
            page.Line($"INCOMPLETE: {Sentence(group.Key, [.. group])}", Page.Alarm);
        }
    }

    /// <summary>Writes what has to be known of a snapshot's figures.</summary>
    public static void Write(Page page, params IEnumerable<Snapshot> snapshots)
    {
        foreach (var note in snapshots.SelectMany(snapshot => snapshot.Notes).Distinct())
            page.Line($"NOTE: {note}", Page.Alarm);
    }

    /// <summary>Describes the events that are missing from an event log.</summary>
    public static string OfEvents(TraceProcess process, TraceEventLog log) =>
        $"The event log of process {process.Pid} is INCOMPLETE: {Numbers.Of(log.LeftOut, "event")} after the first {Numbers.Whole(log.Events)}, from {Numbers.Seconds(log.LeftOutNs ?? 0)} on, did not fit";

    private static string Sentence(LossReason reason, TraceLoss[] losses)
    {
        var events = losses.Sum(loss => loss.Events);
        var first = losses.Min(loss => loss.FirstNs);
        var last = losses.Max(loss => loss.LastNs);
        var when = first is null || last is null
            ? ""
            : first == last ? $" at {Numbers.Seconds(first.Value)}" : $" between {Numbers.Seconds(first.Value)} and {Numbers.Seconds(last.Value)}";
        return reason switch
        {
            LossReason.StackNotKept => $"{Numbers.Of(events, "allocation")} without stack{when}",
            LossReason.CollectedBefore => "the beginning of the recording is missing: an earlier collector wrote it to another database",
            _ => $"{Numbers.Of(events, "event")} lost{when} ({reason.Word()}): figures may be wrong",
        };
    }
}
