using AllocTrace.Events;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// A recording that is open for reading. The file is never changed. Small tables are read when it is opened, stacks and sites at the first
/// use. An instance must not be used by several threads at the same time. It keeps the file open until it is disposed of.
/// </summary>
public sealed class TraceDatabase : IDisposable
{
    /// <summary>The <c>application_id</c> of a recording: the letters ALTC.</summary>
    public const int ApplicationId = 0x414C_5443;

    /// <summary>The version of the schema that this library reads and writes (<c>user_version</c>).</summary>
    public const int SchemaVersion = 2;

    private readonly ReadConnections _connections;
    private readonly SiteReader _sites;
    private readonly ObjectTables _objectTables;
    private readonly List<TypeOfSite> _typeRows = [default];
    private BlockType[]? _blockTypes;
    private readonly long[] _processIds;
    private StackTable? _stacks;
    private TraceSlice[]? _slices;
    private SiteIndex? _siteIndex;
    private TraceMemory[]? _memory;

    private TraceDatabase(string path, ReadConnections connections)
    {
        Path = path;
        _connections = connections;
        CheckVersion();
        ForeignFile.CheckTables(connections.First);
        Processes = MetadataReader.Processes(connections.First);
        IsSampled = Processes.Any(process => process.SampleBytes != 0);
        Threads = MetadataReader.Threads(connections.First);
        Domains = MetadataReader.Domains(connections.First);
        Snapshots = MetadataReader.Snapshots(connections.First);
        Losses = MetadataReader.Losses(connections.First);
        Runtimes = MetadataReader.Runtimes(connections.First);
        Native = MetadataReader.Native(connections.First);
        NativeStacks = MetadataReader.NativeStacks(connections.First);
        Crashes = CrashReader.Read(connections.First);
        EventLogs = EventReader.Logs(connections.First);
        Objects = ObjectTables.Snapshots(connections.First);
        _objectTables = new ObjectTables(this, connections.First);

        _processIds = [.. Processes.Select(process => process.Id)];
        foreach (var process in Threads.Select(thread => thread.Process).Concat(Snapshots.Select(snapshot => snapshot.Process)).Concat(Crashes.Select(crash => crash.Process)).Concat(EventLogs.Select(log => log.Process)))
            IndexOfProcess(process);

        foreach (var objects in Objects)
            Existing(path, Array.FindIndex([.. Snapshots], snapshot => snapshot.Id == objects.Snapshot), objects.Snapshot, "snapshot");

        _sites = new SiteReader(this, connections);
    }

    /// <summary>The path of the file, as the caller gave it.</summary>
    public string Path { get; }

    /// <summary>The recorded processes, in the order in which they were recorded.</summary>
    public IReadOnlyList<TraceProcess> Processes { get; }

    /// <summary>True if allocations of at least one process were sampled: bytes and blocks are estimates.</summary>
    public bool IsSampled { get; }

    /// <summary>The threads of all processes.</summary>
    public IReadOnlyList<TraceThread> Threads { get; }

    /// <summary>The allocator domains that occur.</summary>
    public IReadOnlyList<TraceDomain> Domains { get; }

    /// <summary>The snapshots of all processes.</summary>
    public IReadOnlyList<TraceSnapshot> Snapshots { get; }

    /// <summary>The losses. Empty if nothing is missing.</summary>
    public IReadOnlyList<TraceLoss> Losses { get; }

    /// <summary>The CPythons of the processes, in the order in which they were found.</summary>
    public IReadOnlyList<TraceRuntime> Runtimes { get; }

    /// <summary>The recordings of C allocations, of processes that were recorded with the option <c>native</c>.</summary>
    public IReadOnlyList<TraceNative> Native { get; }

    /// <summary>The fatal signals that were recorded, at most one a process.</summary>
    public IReadOnlyList<TraceCrash> Crashes { get; }

    /// <summary>The event logs, of processes that were recorded with them.</summary>
    public IReadOnlyList<TraceEventLog> EventLogs { get; }

    /// <summary>The snapshots whose types and holders were read.</summary>
    public IReadOnlyList<TraceObjects> Objects { get; }

    /// <summary>The types of blocks in all snapshots; the first is "not known".</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal IReadOnlyList<BlockType> BlockTypes => _blockTypes ??= Objects.Count == 0 ? [default] : Guarded(() => ObjectTables.Types(_connections.First));

    /// <summary>The rows to which <see cref="Site.TypeRow"/> refers.</summary>
    internal IReadOnlyList<TypeOfSite> TypeRows => _typeRows;

    /// <summary>The time of all processes in slices, by process and time; read at the first use.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    public IReadOnlyList<TraceSlice> Slices => _slices ??= Guarded(() => SliceReader.Slices(_connections.First));

    /// <summary>The accounts of resident memory, by process and time; read at the first use. None in recordings of older versions.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    public IReadOnlyList<TraceMemory> MemoryAccounts => _memory ??= Guarded(() => new MemoryReader(this, _connections.First).Accounts());

    /// <summary>The control groups that limit the memory of processes; read at each use.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    public IReadOnlyList<TraceControlGroup> ControlGroups => Guarded(() => new MemoryReader(this, _connections.First).ControlGroups());

    /// <summary>The sites, read at the first use.</summary>
    internal SiteIndex Sites => _siteIndex ??= Guarded(_sites.ReadIndex);

    /// <summary>The trie of all stacks; read at the first use.</summary>
    internal StackTable Stacks => _stacks ??= Guarded(new StackReader(Path, _connections, !ShowsInterpreterFrames).Read);

    /// <summary>
    /// True if C stacks have the frames of CPython itself (<see cref="InterpreterFrames"/>). Must be set before stacks are read.
    /// </summary>
    internal bool ShowsInterpreterFrames { get; set; }

    /// <summary>The incomplete C stacks, by process; empty if none were recorded.</summary>
    internal IReadOnlyList<(long Process, long Cut, long Unplaced)> NativeStacks { get; }

    /// <summary>Opens a recording.</summary>
    /// <param name="path">The path of the file.</param>
    /// <returns>The open recording, which the caller disposes of.</returns>
    /// <exception cref="InvalidTraceException">The file is not a recording, has a schema of another version, or is damaged.</exception>
    /// <exception cref="IOException">The file is missing, is not a plain file, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static TraceDatabase Open(string path) => Open(path, path);

    /// <summary>Opens a recording under another name: the copy of a live snapshot is named after its process.</summary>
    internal static TraceDatabase Open(string path, string name)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path} is a folder");

        // SQLite has one message for a missing file, a folder and a forbidden one; the system says which it is.
        using (var file = LibC.OpenPresent(path, FileAccess.Read, follow: true))
        {
            if (LibC.StatusOf(file) is not { IsPlainFile: true })
                throw new IOException($"{path} is not a plain file");
        }

        return Guarded(name, () =>
        {
            var connections = new ReadConnections(path);
            try
            {
                return new TraceDatabase(name, connections);
            }
            catch
            {
                connections.Dispose();
                throw;
            }
        });
    }

    /// <summary>Returns the processes with a pid.</summary>
    /// <param name="pid">The process id, or <see langword="null"/> for all processes.</param>
    /// <returns>The processes, in the order in which they were recorded; at least one if <paramref name="pid"/> is given.</returns>
    /// <exception cref="ArgumentException">There is no such process.</exception>
    public IReadOnlyList<TraceProcess> ProcessesWith(long? pid)
    {
        if (pid is null)
            return Processes;

        var found = Processes.Where(process => process.Pid == pid).ToArray();
        return found.Length > 0
            ? found
            : throw new ArgumentException($"{Path}: no process {pid}; there is {string.Join(", ", Processes.Select(process => process.Pid))}");
    }

    /// <inheritdoc/>
    public void Dispose() => _connections.Dispose();

    /// <summary>The index of a row that another one refers to.</summary>
    /// <param name="path">The database, for the message.</param>
    /// <param name="index">The index at which it was found; negative if it was not.</param>
    /// <param name="id">The number of the row.</param>
    /// <param name="table">The table of the row.</param>
    /// <exception cref="InvalidTraceException">There is none.</exception>
    internal static int Existing(string path, int index, long id, string table) =>
        index >= 0 ? index : throw new InvalidTraceException(path, $"damaged: there is no {table} {id}");

    /// <summary>Reads the blocks that were live at snapshots, by site.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SiteTable[] ReadLiveSites(IEnumerable<TraceSnapshot> snapshots) => Guarded(() => snapshots.SelectMany(_sites.ReadAlive).ToArray());

    /// <summary>Reads the blocks that were live at snapshots, by site and type. The snapshots have <see cref="Objects"/>.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SiteTable[] ReadTypedSites(IEnumerable<TraceSnapshot> snapshots) => Guarded(() => snapshots.Select(snapshot => _objectTables.Typed(snapshot, _typeRows)).ToArray());

    /// <summary>Reads who holds the objects of a snapshot, most blocks first.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal List<TraceHolder> ReadHolders(TraceSnapshot snapshot) => Guarded(() => _objectTables.Holders(snapshot));

    /// <summary>Reads the objects of a snapshot that wait for the garbage collector, most bytes first.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal List<TraceGarbage> ReadGarbage(TraceSnapshot snapshot) => Guarded(() => _objectTables.Garbage(snapshot));

    /// <summary>Copies the graph of a snapshot's objects, a <c>.heapsnapshot</c> file compressed by gzip.</summary>
    /// <returns><see langword="false"/> when there is none.</returns>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal bool CopyGraph(TraceSnapshot snapshot, Stream target) => Guarded(() => _objectTables.CopyGraph(snapshot, target));

    /// <summary>Reads everything that processes ever allocated, by site.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SiteTable[] ReadAllocatedSites(IEnumerable<TraceProcess> processes) => ReadMeasure(processes, "allocated");

    /// <summary>Reads the temporary allocations of processes, by site.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SiteTable[] ReadTemporarySites(IEnumerable<TraceProcess> processes) => ReadMeasure(processes, "temporary");

    /// <summary>Visits the changes of sites in slices, slice by slice.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal void VisitSlices(Action<SliceChange> visit) => Guarded(() =>
    {
        SliceReader.Visit(this, _connections, visit);
        return Slices;
    });

    /// <summary>Reads what samples allocated for spans, slice by slice.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SpanChange[] ReadSpans() => Guarded(() => SpanReader.Read(this, _connections.First));

    /// <summary>Reads all that is known about the sites of a process, a part at a time, in the order of the database.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal IEnumerable<SiteCounters> ReadCounters(TraceProcess process)
    {
        foreach (var part in Guarded(() => _sites.PartsOf(process)))
        {
            var sites = new List<SiteCounters>();
            Guarded(() =>
            {
                _sites.ReadCounters(_connections.First, process, part, (in site) => sites.Add(site));
                return sites;
            });
            foreach (var site in sites)
                yield return site;
        }
    }

    /// <summary>Aggregates all that is known about the sites of a process, on several cores.</summary>
    /// <param name="process">The process.</param>
    /// <param name="visitorOfPart">Called with the parts, returns the visitor of the sites of each part; one thread reads a part.</param>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal void VisitCounters(TraceProcess process, Func<RowRange[], SiteVisitor[]> visitorOfPart) => Guarded(() =>
    {
        _ = Stacks; // before several threads ask for them
        var parts = _sites.PartsOf(process);
        var visitors = visitorOfPart(parts);
        _connections.ReadParts(parts.Length, (connection, i) => _sites.ReadCounters(connection, process, parts[i], visitors[i]));
        return parts;
    });

    /// <summary>Returns the meaning of the numbers in a process's event log, the number of its blocks, and a reader of them.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal (EventNumbers Numbers, long Blocks, Func<long, EventBlock> Read) ReadEvents(TraceProcess process)
    {
        var reader = new EventReader(this, _connections.First);
        return (Guarded(() => reader.Numbers(process)), Guarded(() => reader.Count(process)), position => Guarded(() => reader.Block(process, position)));
    }

    /// <summary>Creates the exception for a block of an event log that refers to something that does not exist.</summary>
    internal InvalidTraceException DamagedEvents(TraceProcess process, long position, string what) => new EventReader(this, _connections.First).Damaged(process, position, what);

    /// <summary>The high-water mark (<c>peak</c>) or the end (<c>live</c>) of a process, when it was recorded.</summary>
    internal TraceSnapshot? SnapshotOf(TraceProcess process, SnapshotKind kind) =>
        Snapshots.LastOrDefault(snapshot => snapshot.Process == process.Id && snapshot.Kind == kind);

    /// <summary>The index of the process with a number of the database.</summary>
    /// <exception cref="InvalidTraceException">There is none.</exception>
    internal int IndexOfProcess(long id) => Existing(Path, AscendingIds.Find(_processIds, id), id, "process");

    private SiteTable[] ReadMeasure(IEnumerable<TraceProcess> processes, string measure) =>
        Guarded(() => processes.SelectMany(process => _sites.ReadMeasure(process, measure)).ToArray());

    private void CheckVersion()
    {
        if (MetadataReader.Pragma(_connections.First, "application_id") != ApplicationId)
            throw new InvalidTraceException(Path, "not an AllocTrace recording");

        var version = MetadataReader.Pragma(_connections.First, "user_version");
        if (version != SchemaVersion)
        {
            var side = version > SchemaVersion ? "a newer" : "an older";
            throw new InvalidTraceException(
                Path,
                $"written by {side} alloctrace (schema version {version}, this one reads {SchemaVersion})");
        }
    }

    private T Guarded<T>(Func<T> read) => Guarded(Path, read);

    /// <summary>Turns what SQLite and conversions throw about bad content into the one exception that callers know.</summary>
    private static T Guarded<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SQLITE_NOTADB)
        {
            throw new InvalidTraceException(path, "not an AllocTrace recording", e);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SQLITE_INTERRUPT)
        {
            throw new InvalidTraceException(path, "damaged: its tables have more rows than a file of its size can hold", e);
        }
        catch (SqliteException e) when (
            e.SqliteErrorCode is SQLITE_CANTOPEN or SQLITE_BUSY or SQLITE_LOCKED or SQLITE_NOMEM or SQLITE_PERM or SQLITE_AUTH
            || (e.SqliteErrorCode == SQLITE_IOERR && e.SqliteExtendedErrorCode != SQLITE_IOERR_SHORT_READ))
        {
            throw new IOException($"{path}: {OneLine(e.Message)}", e);
        }
        catch (Exception e) when (e is SqliteException or InvalidOperationException or InvalidCastException
            or FormatException or OverflowException or ArgumentException)
        {
            throw new InvalidTraceException(path, $"damaged: {OneLine(e.Message)}", e);
        }
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
