using System.Data;
using System.Runtime.CompilerServices;
using Dapper;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace AllocTrace.Storage;

/// <summary>
/// A recording, opened for reading; the file is never changed. What is small is read at once, stacks and sites when asked for.
/// Not for use by several threads at the same time.
/// </summary>
public sealed class TraceDatabase : IDisposable
{
    /// <summary>The <c>application_id</c> of a trace: the letters ALTC.</summary>
    public const int ApplicationId = 0x414C_5443;

    /// <summary>The version of the schema that this library reads (<c>user_version</c>).</summary>
    public const int SchemaVersion = 1;

    private readonly SqliteConnection _connection;
    private readonly long[] _processIds;
    private readonly long[] _threadIds;
    private readonly long[] _domainIds;
    private StackTable? _stacks;

    private TraceDatabase(string path, SqliteConnection connection)
    {
        Path = path;
        _connection = connection;
        CheckVersion();
        Processes = Query<TraceProcess>(
            """
            SELECT id, pid, parent_pid AS ParentPid, command, executable, python_version AS PythonVersion, stacks,
                   started_at AS StartedAtNs, duration_ns AS DurationNs, ending, cut_stacks AS CutStacks,
                   unknown_frees AS UnknownFrees, temporary_threshold AS TemporaryThreshold
            FROM process ORDER BY id
            """);
        Threads = Query<TraceThread>(
            "SELECT id, process, os_id AS OsId, name, started_ns AS StartedNs, ended_ns AS EndedNs FROM thread ORDER BY id");
        Domains = Query<TraceDomain>("SELECT id, name FROM domain ORDER BY id");
        Moments = Query<TraceMoment>("SELECT id, process, kind, name, at_ns AS AtNs, bytes, blocks FROM snapshot ORDER BY id");
        Losses = Query<TraceLoss>(
            "SELECT process, thread, reason, events, first_ns AS FirstNs, last_ns AS LastNs FROM loss ORDER BY process, first_ns, reason");

        _processIds = [.. Processes.Select(process => process.Id)];
        _threadIds = [.. Threads.Select(thread => thread.Id)];
        _domainIds = [.. Domains.Select(domain => domain.Id)];
        foreach (var process in Threads.Select(thread => thread.Process).Concat(Moments.Select(moment => moment.Process)))
            Existing(_processIds, process, "process");
    }

    /// <summary>The file as the caller named it.</summary>
    public string Path { get; }

    /// <summary>The recorded processes, in the order in which they were recorded.</summary>
    public IReadOnlyList<TraceProcess> Processes { get; }

    /// <summary>The threads of all processes.</summary>
    public IReadOnlyList<TraceThread> Threads { get; }

    /// <summary>The allocator domains that occur.</summary>
    public IReadOnlyList<TraceDomain> Domains { get; }

    /// <summary>The moments whose live blocks were kept.</summary>
    public IReadOnlyList<TraceMoment> Moments { get; }

    /// <summary>What is missing. Empty when nothing is.</summary>
    public IReadOnlyList<TraceLoss> Losses { get; }

    /// <summary>The trie of all stacks; read at the first use.</summary>
    internal StackTable Stacks => _stacks ??= Guarded(Path, ReadStacks);

    /// <summary>Opens a recording.</summary>
    /// <exception cref="InvalidTraceException">The file is not a trace, has a schema of another version, or is damaged.</exception>
    /// <exception cref="IOException">The file is missing, is a folder, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static TraceDatabase Open(string path)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path} is a folder");

        // SQLite has one message for a missing file, a folder and a forbidden one; the system says which it is.
        File.OpenHandle(path).Dispose();

        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
        }.ToString());
        try
        {
            return Guarded(path, () =>
            {
                connection.Open();
                return new TraceDatabase(path, connection);
            });
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The processes with a pid, or all when it is <see langword="null"/>.</summary>
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

    /// <summary>Reads what was alive at moments, by site.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SiteTable ReadLiveSites(IEnumerable<TraceMoment> moments) => Guarded(() =>
    {
        var sites = new SiteTable();
        foreach (var moment in moments)
        {
            ReadSites(
                sites,
                """
                SELECT site.process, site.thread, site.domain, site.stack, snapshot_site.bytes, snapshot_site.blocks
                FROM snapshot_site JOIN site ON site.id = snapshot_site.site
                WHERE snapshot_site.snapshot = ?
                """,
                moment.Id);
        }

        return sites;
    });

    /// <summary>Reads everything that a process ever allocated, by site.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SiteTable ReadAllocatedSites(IEnumerable<TraceProcess> processes) => ReadMeasure(processes, "allocated");

    /// <summary>Reads the temporary allocations of processes, by site.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal SiteTable ReadTemporarySites(IEnumerable<TraceProcess> processes) => ReadMeasure(processes, "temporary");

    /// <summary>Reads all that is known about each site of a process.</summary>
    /// <exception cref="InvalidTraceException">The database is damaged.</exception>
    internal List<SiteCounters> ReadCounters(TraceProcess process) => Guarded(() => ReadCountersOf(process));

    /// <summary>The high-water mark (<c>peak</c>) or the end (<c>live</c>) of a process, when it was recorded.</summary>
    internal TraceMoment? MomentOf(TraceProcess process, string kind) =>
        Moments.LastOrDefault(moment => moment.Process == process.Id && moment.Kind == kind);

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // there may be millions, and this runs once
    private List<SiteCounters> ReadCountersOf(TraceProcess process)
    {
        using var peak = new AliveReader(_connection, MomentOf(process, "peak"));
        using var live = new AliveReader(_connection, MomentOf(process, "live"));
        using var reader = new StatementReader(
            _connection,
            """
            SELECT id, thread, domain, stack, allocated_bytes, allocated_blocks, freed_bytes, freed_blocks, temporary_bytes, temporary_blocks
            FROM site WHERE process = ? ORDER BY id
            """,
            process.Id);
        var stackIds = Stacks.Ids;
        var counters = new List<SiteCounters>();
        while (reader.Read())
        {
            counters.Add(new SiteCounters(
                Existing(_threadIds, reader.Int64(1), "thread"),
                Existing(_domainIds, reader.Int64(2), "domain"),
                Existing(stackIds, reader.Int64(3), "stack"),
                Allocated: Amount(reader, 4),
                Freed: Amount(reader, 6),
                Temporary: Amount(reader, 8),
                Peak: peak.Of(reader.Int64(0)),
                Live: live.Of(reader.Int64(0))));
        }

        return counters;

        static Amount Amount(StatementReader reader, int column) => new(reader.Int64(column), reader.Int64(column + 1));
    }

    private SiteTable ReadMeasure(IEnumerable<TraceProcess> processes, string measure) => Guarded(() =>
    {
        var sites = new SiteTable();
        foreach (var process in processes)
        {
            ReadSites(
                sites,
                $"""
                SELECT process, thread, domain, stack, {measure}_bytes, {measure}_blocks
                FROM site WHERE process = ? AND {measure}_blocks > 0
                """,
                process.Id);
        }

        return sites;
    });

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // likewise
    private void ReadSites(SiteTable sites, string sql, long parameter)
    {
        using var reader = new StatementReader(_connection, sql, parameter);
        var stackIds = Stacks.Ids;
        while (reader.Read())
        {
            sites.Add(new Site(
                Existing(_processIds, reader.Int64(0), "process"),
                Existing(_threadIds, reader.Int64(1), "thread"),
                Existing(_domainIds, reader.Int64(2), "domain"),
                Existing(stackIds, reader.Int64(3), "stack"),
                reader.Int64(4),
                reader.Int64(5)));
        }
    }

    /// <summary>The index of a row that another one refers to.</summary>
    private int Existing(ReadOnlySpan<long> ids, long id, string table)
    {
        var index = AscendingIds.Find(ids, id);
        return index >= 0 ? index : throw new InvalidTraceException(Path, $"damaged: there is no {table} {id}");
    }

    private CodeTable ReadCodes()
    {
        var codes = new CodeTable();
        using var reader = new StatementReader(_connection, "SELECT id, filename, qualname, first_line FROM code ORDER BY id");
        while (reader.Read())
            codes.Add(reader.Int64(0), reader.Text(1), reader.Text(2), checked((int)reader.Int64(3)));

        return codes;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // there may be millions, and this runs once
    private StackTable ReadStacks()
    {
        var codes = ReadCodes();
        var capacity = 1024;
        var count = 0;
        var ids = new long[capacity];
        var caller = new int[capacity];
        var code = new int[capacity];
        var line = new int[capacity];
        using var reader = new StatementReader(_connection, "SELECT id, caller, code, line FROM stack ORDER BY id");
        while (reader.Read())
        {
            if (count == capacity)
            {
                capacity *= 2;
                Array.Resize(ref ids, capacity);
                Array.Resize(ref caller, capacity);
                Array.Resize(ref code, capacity);
                Array.Resize(ref line, capacity);
            }

            var id = reader.Int64(0);
            if (count == 0 ? id != 0 : id < 0)
                throw new InvalidTraceException(Path, "damaged: there is no stack 0");

            ids[count] = id;
            if (count > 0)
            {
                // Callers come first. This also means that no chain of callers can go in a circle.
                caller[count] = AscendingIds.Find(ids.AsSpan(0, count), reader.Int64(1));
                if (caller[count] < 0)
                    throw new InvalidTraceException(Path, $"damaged: stack {id} has caller {reader.Int64(1)}, which is not before it");

                code[count] = reader.IsNull(2) ? codes.NotKept : codes.IndexOf(reader.Int64(2));
                if (code[count] < 0)
                    throw new InvalidTraceException(Path, $"damaged: stack {id} has code {reader.Int64(2)}, which is not there");

                line[count] = checked((int)reader.Int64(3));
            }

            count++;
        }

        if (count == 0)
            throw new InvalidTraceException(Path, "damaged: there is no stack 0");

        return new StackTable(ids[..count], caller[..count], code[..count], line[..count], codes);
    }

    private void CheckVersion()
    {
        if (_connection.ExecuteScalar<long>("PRAGMA application_id") != ApplicationId)
            throw new InvalidTraceException(Path, "not an AllocTrace recording");

        var version = _connection.ExecuteScalar<long>("PRAGMA user_version");
        if (version != SchemaVersion)
        {
            var side = version > SchemaVersion ? "a newer" : "an older";
            throw new InvalidTraceException(
                Path,
                $"written by {side} alloctrace (schema version {version}, this one reads {SchemaVersion})");
        }
    }

    private IReadOnlyList<T> Query<T>(string sql) => _connection.Query<T>(sql).AsList();

    private T Guarded<T>(Func<T> read) => Guarded(Path, read);

    /// <summary>Turns what SQLite, Dapper and conversions throw about bad content into the one exception that callers know.</summary>
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
        catch (SqliteException e) when (
            e.SqliteErrorCode is SQLITE_CANTOPEN or SQLITE_BUSY or SQLITE_LOCKED or SQLITE_NOMEM or SQLITE_PERM or SQLITE_AUTH
            || (e.SqliteErrorCode == SQLITE_IOERR && e.SqliteExtendedErrorCode != SQLITE_IOERR_SHORT_READ))
        {
            throw new IOException($"{path}: {OneLine(e.Message)}", e);
        }
        catch (Exception e) when (e is SqliteException or DataException or InvalidOperationException or InvalidCastException
            or FormatException or OverflowException or ArgumentException)
        {
            throw new InvalidTraceException(path, $"damaged: {OneLine(e.Message)}", e);
        }
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
