using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>
/// The state of a rolling database: what was committed of each process, what waits to be sent, and counters. It is one file with which each database of the
/// series shares its transactions: a period is in all of them, or in none. Used by one thread at a time.
/// </summary>
internal sealed class RollingState : IDisposable
{
    /// <summary>The time limit for a transaction of readers of the series, and of this process, in milliseconds.</summary>
    private const int LockTimeoutMs = 30_000;

    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS followed (id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, until_ns INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS followed_site (
            process INTEGER NOT NULL, origin TEXT NOT NULL, domain INTEGER NOT NULL, node INTEGER NOT NULL, allocated_bytes INTEGER NOT NULL, allocated_blocks INTEGER NOT NULL,
            freed_bytes INTEGER NOT NULL, freed_blocks INTEGER NOT NULL, temporary_bytes INTEGER NOT NULL, temporary_blocks INTEGER NOT NULL,
            PRIMARY KEY (process, origin, domain, node)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS followed_spans (process INTEGER PRIMARY KEY, samples INTEGER NOT NULL, not_kept INTEGER NOT NULL, unread INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, made_at INTEGER NOT NULL, profiles INTEGER NOT NULL, content BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        """;

    private readonly SqlStatement _process, _site, _spans;

    /// <summary>The data that an earlier agent committed, by session.</summary>
    private readonly Dictionary<string, SavedProcess> _before = [];
    private long _lastProcess;

    /// <summary>Opens the state, or begins one.</summary>
    /// <exception cref="SqliteException">The file cannot be opened, or is something else.</exception>
    public RollingState(string path)
    {
        Path = path;
        Connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            Connection.Open();
            Connection.Run($"PRAGMA auto_vacuum = FULL; PRAGMA busy_timeout = {LockTimeoutMs}; PRAGMA journal_mode = DELETE; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF");
            Connection.Run(Schema);
            _process = new SqlStatement(Connection.Handle!, "INSERT INTO main.followed VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET until_ns = excluded.until_ns");
            _site = new SqlStatement(Connection.Handle!, "INSERT OR REPLACE INTO main.followed_site VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
            _spans = new SqlStatement(Connection.Handle!, "INSERT OR REPLACE INTO main.followed_spans VALUES (?1, ?2, ?3, ?4)");
            _lastProcess = Connection.Number("SELECT ifnull(max(id), 0) FROM main.followed");
            Load();
        }
        catch
        {
            Connection.Dispose();
            throw;
        }
    }

    public string Path { get; }

    public SqliteConnection Connection { get; }

    /// <summary>The bytes that wait to be sent.</summary>
    public long QueuedBytes => Connection.Number("SELECT ifnull(sum(length(content)), 0) FROM main.outbox");

    /// <summary>The number of requests that wait to be sent.</summary>
    public long Queued => Connection.Number("SELECT count(*) FROM main.outbox");

    /// <summary>Returns a process with what was committed of it; a new one when it is not known. Reads nothing, so any thread may call it; one at a time.</summary>
    public FollowedProcess Resume(ProcessDescription description) => _before.Remove(description.Session, out var known)
        ? new FollowedProcess(description, known.Id, known.UntilNs, known.Sites, new FollowedSpans(known.Spans, isResumed: true))
        : new FollowedProcess(description, ++_lastProcess, description.StartedNs, new Dictionary<FollowedSiteKey, SiteTotals>(), new FollowedSpans(default, isResumed: false));

    /// <summary>Notes that a process's period up to a moment is in the database.</summary>
    public void Save(FollowedProcess process, long untilNs)
    {
        _process.ExecuteAny(process.Id, process.Description.Session, untilNs);
        foreach (ref var site in process.Sites)
        {
            if (site.Latest == site.Committed)
                continue;

            var (key, its) = (site.Key, site.Latest);
            _site.ExecuteAny(
                process.Id, key.Origin, key.Domain, key.Node, its.Allocated.Bytes, its.Allocated.Blocks, its.Freed.Bytes, its.Freed.Blocks, its.Temporary.Bytes, its.Temporary.Blocks);
        }

        var spans = process.Spans.Latest;
        if (spans != process.Spans.Committed)
            _spans.Execute(process.Id, spans.Samples, spans.NotKept, spans.Unread);
    }

    /// <summary>Forgets processes whose sessions are gone.</summary>
    public void Forget(Func<string, bool> isGone)
    {
        foreach (var session in Connection.Texts("SELECT session FROM main.followed").Where(isGone))
        {
            _before.Remove(session);
            Connection.Run("DELETE FROM main.followed_site WHERE process = (SELECT id FROM main.followed WHERE session = @session)", ("@session", session));
            Connection.Run("DELETE FROM main.followed_spans WHERE process = (SELECT id FROM main.followed WHERE session = @session)", ("@session", session));
            Connection.Run("DELETE FROM main.followed WHERE session = @session", ("@session", session));
        }
    }

    /// <summary>Puts a request at the end of what is to be sent.</summary>
    public void Enqueue(byte[] content, long profiles, long nowNs) =>
        Connection.Run("INSERT INTO main.outbox (made_at, profiles, content) VALUES (@now, @profiles, @content)", ("@now", nowNs), ("@profiles", profiles), ("@content", content));

    /// <summary>Returns the first request to send; <see langword="null"/> if there is none.</summary>
    public (long Id, long Profiles, byte[] Content)? Peek()
    {
        using var command = Connection.CreateCommand();
        command.CommandText = "SELECT id, profiles, content FROM main.outbox ORDER BY id LIMIT 1";
        using var reader = command.ExecuteReader();
        return reader.Read() ? (reader.GetInt64(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2)) : null;
    }

    /// <summary>Removes a request, and counts its profiles under a name, together. One that was removed meanwhile is counted already.</summary>
    public void Settle(long id, string counter, long profiles)
    {
        Connection.Run("BEGIN IMMEDIATE");
        Connection.Run("DELETE FROM main.outbox WHERE id = @id", ("@id", id));
        if (Connection.Number("SELECT changes()") > 0)
            Count(counter, profiles);

        Connection.Run("COMMIT");
    }

    /// <summary>Removes the oldest requests while all together are larger than a number of bytes, and counts their profiles. The newest one stays.</summary>
    /// <returns>The profiles that are dropped so.</returns>
    public long DropOldest(long mostBytes, string counter)
    {
        var dropped = 0L;
        while (QueuedBytes > mostBytes && Queued > 1)
        {
            var (id, profiles) = (Connection.Number("SELECT min(id) FROM main.outbox"), Connection.Number("SELECT profiles FROM main.outbox ORDER BY id LIMIT 1"));
            Settle(id, counter, profiles);
            dropped += profiles;
        }

        return dropped;
    }

    /// <summary>Adds to a counter.</summary>
    public void Count(string counter, long more) =>
        Connection.Run("INSERT INTO main.counter VALUES (@name, @more) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value", ("@name", counter), ("@more", more));

    /// <summary>Returns a counter.</summary>
    public long Counter(string counter)
    {
        using var command = Connection.CreateCommand();
        command.CommandText = "SELECT value FROM main.counter WHERE name = @name";
        command.Parameters.AddWithValue("@name", counter);
        return command.ExecuteScalar() as long? ?? 0;
    }

    public void Dispose()
    {
        _process.Dispose();
        _site.Dispose();
        _spans.Dispose();
        Connection.Dispose();
    }

    private void Load()
    {
        using var command = Connection.CreateCommand();
        command.CommandText =
            """
            SELECT session, id, until_ns, origin, domain, node, allocated_bytes, allocated_blocks, freed_bytes, freed_blocks, temporary_bytes, temporary_blocks,
                ifnull(samples, 0), ifnull(not_kept, 0), ifnull(unread, 0)
            FROM main.followed LEFT JOIN main.followed_site ON followed_site.process = id LEFT JOIN main.followed_spans ON followed_spans.process = id
            """;
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            if (!_before.TryGetValue(reader.GetString(0), out var process))
            {
                var spans = new SpanCounts(reader.GetInt64(12), reader.GetInt64(13), reader.GetInt64(14));
                _before.Add(reader.GetString(0), process = new SavedProcess(reader.GetInt64(1), reader.GetInt64(2), [], spans));
            }

            if (!reader.IsDBNull(3))
            {
                process.Sites[new(reader.GetString(3), reader.GetInt32(4), (uint)reader.GetInt64(5))] =
                    new(new(reader.GetInt64(6), reader.GetInt64(7)), new(reader.GetInt64(8), reader.GetInt64(9)), new(reader.GetInt64(10), reader.GetInt64(11)));
            }
        }
    }

    private sealed record SavedProcess(long Id, long UntilNs, Dictionary<FollowedSiteKey, SiteTotals> Sites, SpanCounts Spans);
}
