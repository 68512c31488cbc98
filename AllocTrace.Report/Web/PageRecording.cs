using System.Text.Json;
using AllocTrace.Analysis;
using AllocTrace.Storage;

namespace AllocTrace.Report.Web;

/// <summary>One recording in a page: the views of it, and what happened when.</summary>
internal sealed class PageRecording
{
    private readonly IReadOnlyList<TraceProcess> _processes;
    private readonly IReadOnlyList<(string Kind, string Name, Snapshot Snapshot)> _views;
    private readonly Dictionary<(int Process, int Thread, int Domain), int> _groups = [];
    private readonly RangeChanges _changes;
    private readonly GrowthRange? _growth;

    /// <param name="database">The recording.</param>
    /// <param name="pid">A process, or all of them.</param>
    /// <param name="filters">Lists of filters, each of which a trace must pass.</param>
    public PageRecording(TraceDatabase database, long? pid, IReadOnlyCollection<TraceFilter[]> filters)
    {
        Database = database;
        _processes = database.ProcessesWith(pid);
        var ids = _processes.Select(process => process.Id).ToHashSet();
        _views =
        [
            .. Enum.GetValues<View>().Select(view => (view.ToString().ToLowerInvariant(), "", Filtered(Snapshot.Load(database, view, pid)))),
            .. database.Snapshots.Where(snapshot => ids.Contains(snapshot.Process) && snapshot.IsNamed).Select(snapshot => snapshot.Name).Distinct()
                .Select(name => ("named", name, Filtered(Snapshot.LoadAt(database, name, pid)))),
        ];
        var tests = filters.Select(list => new SiteFilter(database, list)).ToArray();
        _changes = RangeChanges.Read(
            database, site => ids.Contains(database.Processes[site.Process].Id) && tests.All(test => test.Passes(site)));

        _growth = GrowthRange.Find(database, _processes, filters);

        Snapshot Filtered(Snapshot snapshot) => filters.Aggregate(snapshot, (each, list) => each.FilterTraces(list));
    }

    public TraceDatabase Database { get; }

    /// <summary>Adds the columns.</summary>
    /// <param name="columns">Gets them.</param>
    /// <param name="prefix">The prefix of their names.</param>
    /// <param name="stackNumbers">The page's number of each stack.</param>
    public void AddTo(ColumnFile columns, string prefix, int[] stackNumbers)
    {
        for (var i = 0; i < _views.Count; i++)
            AddView(columns, $"{prefix}view.{i}.", _views[i].Snapshot, stackNumbers);

        var sites = Database.Sites.Sites;
        columns.Add($"{prefix}change.slice", [.. _changes.Rows.Select(row => row.Key.Slice)]);
        columns.Add($"{prefix}change.group", [.. _changes.Rows.Select(row => GroupOf(sites[row.Key.Site]))]);
        columns.Add($"{prefix}change.stack", [.. _changes.Rows.Select(row => stackNumbers[sites[row.Key.Site].Stack])]);
        columns.Add($"{prefix}change.allocatedBytes", [.. _changes.Rows.Select(row => (double)row.Value.Allocated.Bytes)]);
        columns.Add($"{prefix}change.allocatedBlocks", [.. _changes.Rows.Select(row => (double)row.Value.Allocated.Blocks)]);
        columns.Add($"{prefix}change.freedBytes", [.. _changes.Rows.Select(row => (double)row.Value.Freed.Bytes)]);
        columns.Add($"{prefix}change.freedBlocks", [.. _changes.Rows.Select(row => (double)row.Value.Freed.Blocks)]);
        var inherited = sites.Where(site => site.Blocks > 0).ToArray();
        columns.Add($"{prefix}inherited.group", Array.ConvertAll(inherited, site => GroupOf(site)));
        columns.Add($"{prefix}inherited.stack", Array.ConvertAll(inherited, site => stackNumbers[site.Stack]));
        columns.Add($"{prefix}inherited.bytes", Array.ConvertAll(inherited, site => (double)site.Bytes));
        columns.Add($"{prefix}inherited.blocks", Array.ConvertAll(inherited, site => (double)site.Blocks));

        var slices = Database.Slices;
        columns.Add($"{prefix}slice.process", [.. slices.Select(slice => Database.IndexOfProcess(slice.Process))]);
        columns.Add($"{prefix}slice.start", [.. slices.Select(slice => SecondsAt(slice.Process, slice.StartNs))]);
        columns.Add($"{prefix}slice.end", [.. slices.Select(slice => SecondsAt(slice.Process, slice.EndNs))]);
        columns.Add($"{prefix}slice.live", [.. slices.Select(slice => (double)slice.LiveBytes)]);
        columns.Add($"{prefix}slice.highest", [.. slices.Select(slice => (double)slice.HighestBytes)]);
        columns.Add($"{prefix}slice.resident", [.. slices.Select(slice => (double)(slice.ResidentBytes ?? -1))]);
        columns.Add($"{prefix}group.process", [.. _groups.Keys.Select(key => key.Process)]);
        columns.Add($"{prefix}group.thread", [.. _groups.Keys.Select(key => key.Thread)]);
        columns.Add($"{prefix}group.domain", [.. _groups.Keys.Select(key => key.Domain)]);
    }

    /// <summary>Writes what is not a column.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("name", Path.GetFileName(Database.Path));
        if (_growth is { } growth)
        {
            json.WriteStartObject("growth");
            json.WriteNumber("process", growth.Process);
            json.WriteNumber("from", SecondsAt(Database.Processes[growth.Process].Id, growth.FromNs));
            json.WriteNumber("to", SecondsAt(Database.Processes[growth.Process].Id, growth.UntilNs));
            json.WriteEndObject();
        }

        PageObjects.Write(json, Database, _processes);
        WriteProcesses(json);
        WriteSnapshots(json);
        WriteMemory(json);
        WriteLosses(json);
        json.WriteEndObject();
    }

    private static void WriteArray<T>(Utf8JsonWriter json, string name, IEnumerable<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteProcesses(Utf8JsonWriter json)
    {
        WriteArray(json, "processes", Database.Processes, process =>
        {
            json.WriteNumber("pid", process.Pid);
            json.WriteString("command", process.Command);
            json.WriteString("python", process.PythonVersion.Split(' ')[0]);
            json.WriteString("stacks", process.Stacks);
        });
        WriteArray(json, "threads", Database.Threads, thread =>
        {
            json.WriteNumber("process", Database.IndexOfProcess(thread.Process));
            json.WriteNumber("id", thread.OsId);
            json.WriteString("name", thread.Name);
        });
        WriteArray(json, "domains", Database.Domains, domain => json.WriteString("name", domain.Name));
    }

    private void WriteSnapshots(Utf8JsonWriter json)
    {
        WriteArray(json, "views", _views, view =>
        {
            json.WriteString("kind", view.Kind);
            json.WriteString("name", view.Name);
            json.WriteNumber("bytes", view.Snapshot.Bytes);
            json.WriteNumber("blocks", view.Snapshot.Blocks);
        });
        WriteArray(json, "moments", Database.Snapshots, snapshot =>
        {
            json.WriteNumber("process", Database.IndexOfProcess(snapshot.Process));
            json.WriteString("kind", snapshot.Kind.Word());
            json.WriteString("name", snapshot.IsNamed ? snapshot.Name : "");
            json.WriteNumber("at", SecondsAt(snapshot.Process, snapshot.AtNs));
            json.WriteNumber("bytes", snapshot.Bytes);
        });
    }

    private void WriteMemory(Utf8JsonWriter json) => WriteArray(json, "memory", Database.MemoryAccounts, account =>
    {
        json.WriteNumber("process", Database.IndexOfProcess(account.Process));
        json.WriteString("kind", account.Kind.Word());
        json.WriteString("name", account.Name);
        json.WriteNumber("resident", account.ResidentBytes);
        WriteArray(json, "parts", account.Parts.GroupBy(part => part.Kind), part =>
        {
            json.WriteString("kind", part.Key);
            json.WriteNumber("resident", part.Sum(each => each.ResidentBytes));
        });
    });

    private void WriteLosses(Utf8JsonWriter json) => WriteArray(json, "losses", Database.Losses, loss =>
    {
        json.WriteNumber("process", Database.IndexOfProcess(loss.Process));
        json.WriteString("reason", loss.Reason.Word());
        json.WriteNumber("events", loss.Events);
        if (loss.FirstNs is { } first)
            json.WriteNumber("first", SecondsAt(loss.Process, first));
        if (loss.LastNs is { } last)
            json.WriteNumber("last", SecondsAt(loss.Process, last));
    });

    private long Start => Database.Processes.Select(process => process.StartedAtNs).DefaultIfEmpty().Min();

    /// <summary>A time of a process, in seconds since the first process began.</summary>
    private double SecondsAt(long process, long ns) => (Database.Processes[Database.IndexOfProcess(process)].StartedAtNs - Start + ns) / 1e9;

    private void AddView(ColumnFile columns, string prefix, Snapshot snapshot, int[] stackNumbers)
    {
        Site[] sites = [.. snapshot.Parts.SelectMany(part => part.Sites.ToArray())];
        columns.Add($"{prefix}group", Array.ConvertAll(sites, site => GroupOf(site)));
        columns.Add($"{prefix}stack", Array.ConvertAll(sites, site => stackNumbers[site.Stack]));
        columns.Add($"{prefix}bytes", Array.ConvertAll(sites, site => (double)site.Bytes));
        columns.Add($"{prefix}blocks", Array.ConvertAll(sites, site => (double)site.Blocks));
    }

    private int GroupOf(Site site)
    {
        var key = (site.Process, site.Thread, site.Domain);
        if (!_groups.TryGetValue(key, out var group))
            _groups[key] = group = _groups.Count;

        return group;
    }
}
