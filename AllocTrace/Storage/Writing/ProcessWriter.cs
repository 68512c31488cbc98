using AllocTrace.Events;
using AllocTrace.Memory;
using AllocTrace.Objects;
using AllocTrace.Replay;
using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Writes the finished replay of one process. Numbers in the database continue from process to process.</summary>
internal sealed unsafe class ProcessWriter : IDisposable
{
    private const int ManyEntries = 50_000;

    private static readonly RecordKind[] _operations = [RecordKind.Malloc, RecordKind.Calloc, RecordKind.Realloc, RecordKind.Free];

    private readonly WriteConnection _connection;
    private readonly NativeWriter _nativeStacks;
    private readonly StackWriter _stacks;
    private readonly SitePlaces _places;
    private readonly CrashWriter _crashes;
    private readonly EventWriter _events;
    private readonly ObjectWriter _objects;
    private readonly MemoryWriter _memory;
    private readonly SpanWriter _spans;
    private readonly RawInsert _domain;
    private readonly RawInsert _process;
    private readonly RawInsert _thread;
    private readonly RawInsert _runtime;
    private readonly RawInsert _native;
    private readonly RawInsert _operation;
    private readonly RawInsert _loss;
    private readonly RawInsert _snapshot;
    private readonly BatchInsert _site;
    private readonly BatchInsert _snapshotSite;
    private readonly BatchInsert _slice;
    private readonly BatchInsert _sliceSite;
    private readonly Dictionary<string, long> _domains = [];
    private long _processes;
    private long _threads;
    private long _sites;
    private long _snapshots;
    private long _slices;

    /// <param name="connection">Open, with the schema's tables, within a transaction; not owned.</param>
    /// <param name="stacks">The stacks that are in the database.</param>
    public ProcessWriter(WriteConnection connection, StackNumbers stacks)
    {
        _connection = connection;
        _nativeStacks = new NativeWriter(connection);
        _stacks = new StackWriter(connection, _nativeStacks, stacks);
        _places = new SitePlaces(_stacks);
        _crashes = new CrashWriter(connection);
        _events = new EventWriter(connection);
        _objects = new ObjectWriter(connection);
        _memory = new MemoryWriter(connection);
        _spans = new SpanWriter(connection);
        _domain = new RawInsert(connection, "domain", columns: 2);
        _process = new RawInsert(connection, "process", columns: 14);
        _thread = new RawInsert(connection, "thread", columns: 7);
        _runtime = new RawInsert(connection, "runtime", columns: 7);
        _native = new RawInsert(connection, "native", columns: 4);
        _operation = new RawInsert(connection, "operation", columns: 5);
        _loss = new RawInsert(connection, "loss", columns: 6);
        _snapshot = new RawInsert(connection, "snapshot", columns: 7);
        _site = new BatchInsert(connection, "site", columns: 14);
        _snapshotSite = new BatchInsert(connection, "snapshot_site", columns: 4);
        _slice = new BatchInsert(connection, "slice", columns: 8);
        _sliceSite = new BatchInsert(connection, "slice_site", columns: 6);
        foreach (var name in (string[])["raw", "mem", "obj"])
            Domain(name);
    }

    /// <summary>Writes a process. All that can be damaged is read before the first row of the process is written.</summary>
    /// <exception cref="InvalidTraceException">Its stacks or strings are damaged.</exception>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Add(
        SessionFile session,
        ProcessReplay replay,
        ProcessEnding ending,
        IReadOnlyCollection<Loss> losses,
        EventLog? events,
        IReadOnlyDictionary<SnapshotImage, ObjectContents>? objects,
        ControlGroup? group) =>
        Add(session, replay, ending, losses, replay.Snapshots, replay.SliceDifferences, replay.Memory.Accounts, group, events, objects);

    /// <summary>Writes one snapshot of a process whose replay continues, as its live blocks.</summary>
    /// <exception cref="InvalidTraceException">Its stacks or strings are damaged.</exception>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void AddSnapshot(
        SessionFile session,
        ProcessReplay replay,
        SnapshotImage snapshot,
        IReadOnlyCollection<Loss> losses,
        ObjectContents? objects,
        MemoryAccount? account,
        ControlGroup? group)
    {
        var live = snapshot with { Kind = SnapshotKind.Live };
        var contents = objects is null ? null : new Dictionary<SnapshotImage, ObjectContents>(ReferenceEqualityComparer.Instance) { [live] = objects };
        Add(session, replay, ProcessEnding.Running, losses, () => [live], changes: null, account is null ? [] : [account], group, events: null, contents);
    }

    /// <summary>Writes the course so far of a process whose replay continues.</summary>
    /// <exception cref="InvalidTraceException">Its stacks or strings are damaged.</exception>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void AddCourse(
        SessionFile session,
        ProcessReplay replay,
        IReadOnlyCollection<Loss> losses,
        IReadOnlyDictionary<SnapshotImage, ObjectContents> objects,
        MemoryAccount? account,
        ControlGroup? group)
    {
        var course = replay.Course();
        MemoryAccount[] accounts = [.. replay.Memory.Accounts, .. account is null ? (MemoryAccount[])[] : [account]];
        Add(session, replay, ProcessEnding.Running, losses, () => course.Snapshots, () => course.Changes, accounts, group, events: null, objects);
    }

    /// <summary>Writes stacks of a session that grows, before its process.</summary>
    /// <exception cref="InvalidTraceException">They are damaged.</exception>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void AddStacks(SessionFile session, IEnumerable<uint> nodes) => _stacks.Add(session, nodes);

    /// <summary>Returns the name of a domain beyond CPython's own: <c>others</c> for the domains that share one.</summary>
    /// <remarks>Version 2 sessions gave the shared one the number of its first.</remarks>
    internal static string NameOf(SessionHeader* header, int domain) => domain switch
    {
        WireFormat.MallocDomain => KnownDomain.Malloc,
        WireFormat.MmapDomain => KnownDomain.Mmap,
        WireFormat.OtherDomains when header->TrackedDomain[domain] == 0 => "others",
        _ => KnownDomain.NameOf(header->TrackedDomain[domain]),
    };

    private void Add(
        SessionFile session,
        ProcessReplay replay,
        ProcessEnding ending,
        IReadOnlyCollection<Loss> losses,
        Func<IEnumerable<SnapshotImage>> snapshots,
        Func<IEnumerable<SliceEntry>>? changes,
        IEnumerable<MemoryAccount> accounts,
        ControlGroup? group,
        EventLog? events = null,
        IReadOnlyDictionary<SnapshotImage, ObjectContents>? objects = null)
    {
        var header = session.Header;
        var sorted = changes is null ? null : Sort(changes, replay);
        var places = _places.Of(session, replay);
        var domains = new long[WireFormat.Domains];
        foreach (var domain in DomainsOf(replay))
            domains[domain] = domain < WireFormat.FirstTrackedDomain ? domain : Domain(NameOf(header, domain));

        var crash = ending != ProcessEnding.Running ? CrashWriter.Read(session) : null;
        var crashStacks = _stacks.Add(session, crash?.Allocations.Select(allocation => allocation.Stack) ?? []);
        var process = ++_processes;
        var duration = AddProcess(process, session, replay, ending);
        var threads = AddThreads(process, replay, places);
        AddRuntimes(process, session, replay);
        AddNative(process, session);
        _nativeStacks.AddProcess(process, session);
        AddOperations(process, replay, domains);
        var firstSite = AddSites(process, threads, replay, places, domains);
        foreach (var snapshot in snapshots())
        {
            AddSnapshot(process, snapshot, firstSite);
            if (objects is not null && objects.TryGetValue(snapshot, out var contents))
                _objects.Add(_snapshots, contents, firstSite);
        }

        _memory.Add(process, accounts, firstSite);
        if (group is not null)
            _memory.Add(process, group);
        if (sorted is not null)
            AddSlices(process, session, replay.Blocks.Clock, sorted.GetAwaiter().GetResult(), duration, firstSite);
        if (crash is not null)
            _crashes.Add(process, crash, replay, domains, crashStacks);
        if (events is not null)
            _events.Add(process, events, replay, threads, domains, places);
        foreach (var loss in losses)
            AddLoss(process, null, loss);

        foreach (var thread in replay.Threads)
        {
            foreach (var loss in thread.Losses)
                AddLoss(process, threads.First(thread.Index), loss);
        }

        _stacks.Forget(session);
        Flush();
    }

    /// <summary>Sorts the changes within slices: those of many, while SQLite inserts other tables.</summary>
    private static Task<IEnumerable<SliceEntry>> Sort(Func<IEnumerable<SliceEntry>> changes, ProcessReplay replay) =>
        replay.Blocks.Clock.SliceEntries < ManyEntries ? Task.FromResult(changes()) : Task.Run(changes);

    private void Flush()
    {
        _stacks.Flush();
        foreach (var insert in (BatchInsert[])[_site, _snapshotSite, _slice, _sliceSite])
            insert.Flush();

        _connection.Queue.Wait();
    }

    public void Dispose()
    {
        foreach (var writer in (IDisposable[])[_stacks, _memory, _spans, _nativeStacks, _domain, _process, _thread, _runtime, _native, _operation, _loss, _snapshot])
            writer.Dispose();

        foreach (var insert in (BatchInsert[])[_site, _snapshotSite, _slice, _sliceSite])
            insert.Dispose();
    }

    /// <summary>Returns the sites with any amount; of inherited ones, only those with live blocks.</summary>
    internal static IEnumerable<uint> SitesOf(ProcessReplay replay)
    {
        for (var site = 1u; site < replay.Sites.End; site++)
        {
            if (site > replay.Inherited.Length || replay.Inherited[site - 1].Blocks != 0)
                yield return site;
        }
    }

    private static int DomainOf(ProcessReplay replay, uint site) => replay.Sites.Counters[site].Domain;

    /// <summary>The domains in which something was seen or inherited.</summary>
    internal static IEnumerable<int> DomainsOf(ProcessReplay replay)
    {
        var hasSites = new bool[WireFormat.Domains];
        foreach (var site in SitesOf(replay))
            hasSites[DomainOf(replay, site)] = true;

        return Enumerable.Range(0, WireFormat.Domains)
            .Where(domain => hasSites[domain] || _operations.Any(operation => replay.Operations(domain, operation).Calls > 0));
    }

    private static string StacksOf(SessionFile session, uint runtime) => (StacksState)session.Runtime(runtime)->Stacks switch
    {
        StacksState.On => StoredWords.StacksOn,
        StacksState.Off => session.String(session.Runtime(runtime)->StacksReason),
        _ => "no Python frame was seen",
    };

    /// <summary>Returns the state of stacks of the first interpreter that has some, or the reason of the last one.</summary>
    internal static string StacksOf(SessionFile session)
    {
        var stacks = "no Python was seen";
        for (uint runtime = 0; runtime < session.RuntimeCount && stacks != StoredWords.StacksOn; runtime++)
            stacks = StacksOf(session, runtime);

        return stacks;
    }

    private long Domain(string name)
    {
        if (_domains.TryGetValue(name, out var id))
            return id;

        id = _domains.Count;
        _domains.Add(name, id);
        _domain.Add(id, name);
        return id;
    }

    private long AddProcess(long process, SessionFile session, ProcessReplay replay, ProcessEnding ending)
    {
        var header = session.Header;
        var duration = header->EndedMonoNs != 0 ? Math.Max(replay.SinceStart(header->EndedMonoNs), replay.NowNs) : replay.NowNs;
        _process.Add(
            process,
            header->Pid,
            header->ParentPid,
            ShellQuoting.Join(session.String(header->CommandLine).TrimEnd('\0').Split('\0')),
            session.String(header->Executable),
            session.RuntimeCount > 0 ? session.String(session.Runtime(0)->Version) : "",
            StacksOf(session),
            (long)header->StartedNs,
            duration,
            ending.Word(),
            (long)header->CutStacks,
            replay.UnknownFrees,
            replay.TemporaryThreshold,
            (long)header->SampleBytes);
        return duration;
    }

    /// <summary>A thread has a row for each interpreter whose code it ran, and one if it ran none.</summary>
    private ThreadRows AddThreads(long process, ProcessReplay replay, SitePlace[] places)
    {
        var rows = new ThreadRows(_threads, replay.Threads.Count, SitesOf(replay).Select(site => (replay.Sites.Counters[site].Thread, places[site].Interpreter)));
        foreach (var (index, interpreter) in rows.All)
        {
            var thread = replay.Threads[index];
            _thread.Add(++_threads, process, thread.OsId, thread.Name, thread.StartedNs, thread.EndedNs, interpreter);
        }

        return rows;
    }

    private void AddRuntimes(long process, SessionFile session, ProcessReplay replay)
    {
        for (uint number = 0; number < session.RuntimeCount; number++)
        {
            var runtime = session.Runtime(number);
            _runtime.Add(
                process,
                session.String(runtime->Library),
                session.String(runtime->Version),
                ((RuntimeFound)runtime->Found).Word(),
                runtime->WasInitialized != 0,
                replay.SinceStart(runtime->HookedNs),
                StacksOf(session, number));
        }
    }

    private void AddNative(long process, SessionFile session)
    {
        var header = session.Header;
        if (header->Native == 0)
            return;

        _native.Add(process, header->Native == 1 ? "malloc" : TraceNative.StacksMode, ((NativeReach)header->NativeReach).Word(), header->NativePast == 0 ? "" : session.String(header->NativePast));
    }

    private void AddOperations(long process, ProcessReplay replay, long[] domains)
    {
        foreach (var domain in DomainsOf(replay))
        {
            foreach (var kind in _operations)
            {
                var total = replay.Operations(domain, kind);
                if (total.Calls > 0)
                    _operation.Add(process, domains[domain], kind.ToAllocationKind()!.Value.Word(), total.Calls, total.Bytes);
            }
        }
    }

    /// <returns>The offset from the number of a site in the process to that in the database.</returns>
    private long AddSites(long process, ThreadRows threads, ProcessReplay replay, SitePlace[] places, long[] domains)
    {
        var first = _sites;
        foreach (var site in SitesOf(replay))
        {
            ref readonly var counters = ref replay.Sites.Counters[site];
            var inherited = site <= replay.Inherited.Length ? replay.Inherited[site - 1] : default;
            _site.Add(
                first + site, process, threads.Of(counters.Thread, places[site].Interpreter), domains[counters.Domain], places[site].Stack,
                counters.AllocatedBytes - inherited.Bytes, counters.AllocatedBlocks - inherited.Blocks, counters.FreedBytes, counters.FreedBlocks,
                counters.TemporaryBytes, counters.TemporaryBlocks, inherited.Bytes, inherited.Blocks, places[site].Expression);
        }

        _sites += replay.Sites.End - 1;
        return first;
    }

    private void AddSnapshot(long process, SnapshotImage snapshot, long firstSite)
    {
        var id = ++_snapshots;
        _snapshot.Add(id, process, snapshot.Kind.Word(), snapshot.Name, snapshot.AtNs, snapshot.Bytes, snapshot.Blocks);
        foreach (var (site, bytes, blocks) in snapshot.Sites)
            _snapshotSite.Add(id, firstSite + site, bytes, blocks);
    }

    private void AddSlices(long process, SessionFile session, ReplayClock clock, IEnumerable<SliceEntry> changes, long durationNs, long firstSite)
    {
        var (first, timeline) = (_slices + 1, clock.Timeline);
        foreach (ref readonly var slice in timeline.Slices)
        {
            var start = (_slices + 1 - first) * timeline.WidthNs;
            var end = Math.Min(start + timeline.WidthNs, Math.Max(durationNs, start));
            _slice.Add(++_slices, process, start, end, slice.LiveBytes, slice.LiveBlocks, slice.HighestBytes, slice.ResidentBytes);
        }

        foreach (var entry in changes)
        {
            _sliceSite.Add(
                first + entry.Slice, firstSite + entry.Site, entry.AllocatedBytes, entry.AllocatedBlocks, entry.FreedBytes, entry.FreedBlocks);
        }

        _spans.Add(process, session, clock.Spans, first, firstSite);
    }

    private void AddLoss(long process, long? thread, Loss loss) =>
        _loss.Add(process, thread, loss.Reason.Word(), loss.Events, loss.FirstNs, loss.LastNs);
}
