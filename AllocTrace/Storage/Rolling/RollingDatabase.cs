using System.Globalization;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>
/// A series of databases, each a recording like any other, which together hold what happened lately: the oldest one is removed when the series is older or
/// larger than it may be. What a transaction has is in a database and in the state beside it, or in none, however the process ends. Used by one thread at a time.
/// </summary>
internal sealed class RollingDatabase : IDisposable
{
    private const string StateName = "agent.state", LockName = "agent.lock", Suffix = ".db", TimeFormat = "yyyy-MM-dd'T'HH-mm-ss'Z'";

    /// <summary>A series has about this many databases.</summary>
    private const int Parts = 24, PartsOfLimit = 8;

    private readonly string _folder;
    private readonly FileStream _lock;
    private readonly TimeSpan _keep;
    private readonly long _limit;
    private PeriodWriter? _writer;
    private DateTimeOffset _begun;

    private RollingDatabase(string folder, FileStream own, TimeSpan keep, long limit)
    {
        _folder = folder;
        _lock = own;
        (_keep, _limit) = (keep, limit);
        State = new RollingState(Path.Combine(folder, StateName));
        RollBack();
    }

    /// <summary>The committed data, and the requests that wait to be sent.</summary>
    public RollingState State { get; }

    /// <summary>The stacks of all processes. Another one after each <see cref="BeginPart"/>.</summary>
    public FrameTrie Frames { get; private set; } = new();

    /// <summary>The databases, the oldest first.</summary>
    public IReadOnlyList<string> Files => [.. Directory.EnumerateFiles(_folder, $"*{Suffix}").Where(file => BegunOf(file) is not null).Order(StringComparer.Ordinal)];

    /// <summary>The bytes of the databases and of the state.</summary>
    public long Bytes => Files.Append(State.Path).Sum(file => new FileInfo(file) is { Exists: true } info ? info.Length : 0);

    /// <summary>Opens the series of a folder, or begins one.</summary>
    /// <param name="folder">The folder; made when there is none.</param>
    /// <param name="keep">The time for which a period is kept.</param>
    /// <param name="limit">The largest size of the series, bytes.</param>
    /// <exception cref="IOException">The folder cannot be used, or another process uses it. The message is one line.</exception>
    public static RollingDatabase Open(string folder, TimeSpan keep, long limit)
    {
        FileStream? own = null;
        try
        {
            folder = Path.GetFullPath(folder);
            RefuseOthers(folder);
            Directory.CreateDirectory(folder);
            own = new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None); // flock, by .NET
            return new RollingDatabase(folder, own, keep, limit);
        }
        catch (IOException e) when (e.HResult == LibC.EAgain)
        {
            throw new IOException($"{folder} is in use by another agent: give another folder", e);
        }
        catch (Exception e) when (e is SqliteException or UnauthorizedAccessException)
        {
            own?.Dispose();
            throw new IOException($"{folder} cannot be used: {e.Message}", e);
        }
        catch
        {
            own?.Dispose();
            throw;
        }
    }

    /// <summary>Returns whether a new database is due.</summary>
    public bool IsPartFull(DateTimeOffset now) => _writer is null || now - _begun >= _keep / Parts || now < _begun || PartBytes >= _limit / PartsOfLimit;

    /// <summary>Begins a new database. Not within a transaction.</summary>
    /// <param name="now">The time.</param>
    /// <param name="processes">The followed processes, whose stacks are kept; those of others are forgotten.</param>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void BeginPart(DateTimeOffset now, IEnumerable<FollowedProcess> processes)
    {
        EndPart();
        var path = FreeName(now);
        using (var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString()))
        {
            connection.Open();
            connection.Run("PRAGMA journal_mode = DELETE; PRAGMA synchronous = NORMAL");
            connection.Run("BEGIN");
            connection.Run(TraceWriter.Schema());
            connection.Run(TraceWriter.Schema("spans.sql"));
            connection.Run(
                """
                INSERT INTO meta VALUES ('version', @version), ('created_at', @now), ('agent', 'period by period: threads are folded');
                INSERT INTO domain VALUES (0, 'raw'), (1, 'mem'), (2, 'obj');
                INSERT INTO stack VALUES (0, NULL, NULL, 0, 0)
                """,
                ("@version", typeof(RollingDatabase).Assembly.GetName().Version!.ToString(3)),
                ("@now", now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)));
            connection.Run("COMMIT");
        }

        State.Connection.Run("ATTACH @path AS part", ("@path", path));
        State.Connection.Run("PRAGMA part.journal_mode = DELETE; PRAGMA part.synchronous = NORMAL");
        var (old, known) = (Frames, new Dictionary<int, int>());
        Frames = new FrameTrie();
        foreach (var process in processes)
        {
            process.ForgetRows();
            process.Move(old, Frames, known);
        }

        _writer = new PeriodWriter(State.Connection, Frames);
        _begun = now;
    }

    /// <summary>Begins a transaction.</summary>
    public void Begin() => State.Connection.Run("BEGIN IMMEDIATE");

    /// <summary>Writes the period of a process that ends now. In a transaction.</summary>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Write(FollowedProcess process, DateTimeOffset now)
    {
        var nowNs = Nanoseconds(now);
        _writer!.Write(process, nowNs);
        State.Save(process, nowNs);
        process.NoteWritten();
    }

    /// <summary>Ends a transaction.</summary>
    /// <exception cref="SqliteException">It cannot be completed; nothing of it is in the databases.</exception>
    public void Commit() => State.Connection.Run("COMMIT");

    /// <summary>Gives a transaction up. The rows that processes think they have are gone, so a new database has to begin.</summary>
    public void GiveUp()
    {
        try
        {
            State.Connection.Run("ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite did so itself, or there was none.
        }

        EndPart();
    }

    /// <summary>Removes the oldest databases until the others are within the limits. The current one stays.</summary>
    /// <returns>The removed files and the reasons, one line each.</returns>
    public IReadOnlyList<string> RemoveOld(DateTimeOffset now)
    {
        var removed = new List<string>();
        var files = Files;
        foreach (var (file, next) in files.Zip(files.Skip(1))) // a database ends where the next one begins
        {
            var isOld = now - BegunOf(next)!.Value > _keep;
            if (!isOld && Bytes <= _limit)
                break;

            File.Delete(file);
            removed.Add($"removed {file}: {(isOld ? $"older than {_keep}" : $"all databases would be larger than {_limit} bytes")}");
        }

        return removed;
    }

    /// <summary>Nanoseconds since 1970.</summary>
    public static long Nanoseconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    public void Dispose()
    {
        EndPart();
        State.Dispose();
        _lock.Dispose();
    }

    /// <summary>
    /// Refuses what another user could exchange. These databases are opened again and again by their paths, and after a crash SQLite looks their journals
    /// up by the paths in them, so a held folder is no way out here.
    /// </summary>
    private static void RefuseOthers(string folder)
    {
        var present = folder;
        while (!Directory.Exists(present))
            present = Path.GetDirectoryName(present)!;

        if (HeldFolders.CanBeExchanged(present))
            throw new IOException($"{folder} cannot be used by root: another user can change it, or a folder above it. Give a folder that only root can change");
    }

    /// <summary>
    /// Rolls back what a killed agent had not committed. SQLite does that when a file is opened for writing, and readers of a database may not write.
    /// </summary>
    private void RollBack()
    {
        foreach (var file in Files.Where(file => File.Exists($"{file}-journal")))
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
            connection.Open();
            connection.Number("SELECT count(*) FROM sqlite_schema");
        }
    }

    private long PartBytes => State.Connection.Number("SELECT page_count * page_size FROM part.pragma_page_count, part.pragma_page_size");

    private void EndPart()
    {
        if (_writer is null)
            return;

        _writer.Dispose();
        _writer = null;
        State.Connection.Run("DETACH part");
    }

    private string FreeName(DateTimeOffset now)
    {
        for (var time = now; ; time = time.AddSeconds(1))
        {
            var path = Path.Combine(_folder, time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture) + Suffix);
            if (!Path.Exists(path))
                return path;
        }
    }

    private static DateTimeOffset? BegunOf(string file) =>
        DateTimeOffset.TryParseExact(Path.GetFileNameWithoutExtension(file), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var begun) ? begun : null;
}
