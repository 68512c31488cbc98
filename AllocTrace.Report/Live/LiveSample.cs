using AllocTrace.Analysis;
using AllocTrace.Report.Render;
using AllocTrace.Storage;

namespace AllocTrace.Report.Live;

/// <summary>The live blocks and all allocations of a recording's processes, by group, in one sample.</summary>
internal sealed class LiveSample
{
    private readonly Dictionary<object, LiveRow> _rows = [];

    private LiveSample(IReadOnlyList<TraceProcess> processes, IReadOnlyList<TraceLoss> losses)
    {
        Processes = processes;
        Losses = losses;
    }

    public IReadOnlyList<TraceProcess> Processes { get; }

    public IReadOnlyList<TraceLoss> Losses { get; }

    public IReadOnlyCollection<LiveRow> Rows => _rows.Values;

    public MemoryAmount Live { get; private set; }

    public MemoryAmount Allocated { get; private set; }

    /// <summary>The time for which the oldest process was recorded.</summary>
    public long AtNs => Processes.Select(process => process.DurationNs).DefaultIfEmpty().Max();

    /// <summary>Reads the live snapshots of processes.</summary>
    /// <exception cref="InvalidTraceException">One is damaged.</exception>
    /// <exception cref="IOException">One cannot be read.</exception>
    public static LiveSample Load(IEnumerable<string> files, GroupBy groupBy)
    {
        var processes = new List<TraceProcess>();
        var losses = new List<TraceLoss>();
        var sample = new LiveSample(processes, losses);
        foreach (var file in files)
        {
            using var database = TraceDatabase.Open(file);
            processes.AddRange(database.Processes);
            losses.AddRange(database.Losses);
            sample.Add(database, groupBy);
        }

        return sample;
    }

    /// <summary>Returns whether a process is in it.</summary>
    public bool Has(TraceProcess process) => Processes.Any(other => other.Pid == process.Pid && other.StartedAtNs == process.StartedAtNs);

    /// <summary>The row of the same group in this sample; nothing when there is none.</summary>
    public LiveRow? Find(LiveRow row) => _rows.GetValueOrDefault(KeyOf(row.About));

    private void Add(TraceDatabase database, GroupBy groupBy)
    {
        var (live, total, temporary) = (Snapshot.Load(database, View.Live), Snapshot.Load(database, View.Total), Snapshot.Load(database, View.Temporary));
        Live += new MemoryAmount(live.Bytes, live.Blocks);
        Allocated += new MemoryAmount(total.Bytes, total.Blocks);
        foreach (var statistic in live.Statistics(groupBy))
            Row(statistic).Live += new MemoryAmount(statistic.Size, statistic.Count);

        foreach (var statistic in total.Statistics(groupBy))
            Row(statistic).AllocatedBytes += statistic.Size;

        foreach (var statistic in temporary.Statistics(groupBy))
            Row(statistic).TemporaryBytes += statistic.Size;
    }

    private LiveRow Row(Statistic statistic)
    {
        var key = KeyOf(statistic);
        if (!_rows.TryGetValue(key, out var row))
            _rows.Add(key, row = new LiveRow(statistic));

        return row;
    }

    private static object KeyOf(Statistic statistic) => statistic switch
    {
        { Thread: { } thread, Process: { } process } => (process.Pid, thread.OsId, thread.Interpreter),
        { Process: { } process } => process.Pid,
        _ => statistic.Traceback,
    };
}
