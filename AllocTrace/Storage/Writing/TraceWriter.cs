using System.Globalization;
using System.Reflection;

using AllocTrace.Events;
using AllocTrace.Memory;
using AllocTrace.Objects;
using AllocTrace.Replay;
using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>
/// Makes a database of recordings. It is built in a file beside the target and renamed at the end, so under the target's name there is
/// nothing, what was there before, or a whole database. Used by one thread.
/// </summary>
internal sealed class TraceWriter : IDisposable
{
    private readonly OutputFile _target;
    private readonly OutputFile? _own;
    private readonly UnfinishedFile _unfinished;
    private readonly bool _overwrite;
    private WriteConnection? _connection;
    private ProcessWriter? _processes;
    private bool _isPublished;

    private TraceWriter(OutputFile target, bool overwrite, bool isPrivate, bool isOwn)
    {
        _target = target;
        _own = isOwn ? target : null;
        _overwrite = overwrite;
        _unfinished = new UnfinishedFile(target, isPrivate);
    }

    /// <summary>The number of processes that were added.</summary>
    public int ProcessCount { get; private set; }

    /// <summary>The number of bytes written so far.</summary>
    public long Bytes => _unfinished.Length;

    /// <summary>Begins a database.</summary>
    /// <param name="path">The file that it will be.</param>
    /// <param name="overwrite">True to replace an existing file.</param>
    /// <param name="isPrivate">True if only its user may read it.</param>
    /// <exception cref="IOException">The file exists, or the folder is missing, not writable or full. The message is one line.</exception>
    public static TraceWriter Create(string path, bool overwrite, bool isPrivate = false) => Create(new OutputFile(path), overwrite, isPrivate, isOwn: true);

    /// <summary>Does this in the folder that the path led to when the target was made.</summary>
    /// <param name="target">The file that it will be; not owned, and to be kept as long as the writer.</param>
    /// <param name="overwrite">True if a file that is there may be replaced.</param>
    /// <param name="early">Stacks that are written already and become its beginning; not owned, and not used any more.</param>
    /// <exception cref="IOException">The file exists, or the folder is missing, not writable or full. The message is one line.</exception>
    public static TraceWriter Create(OutputFile target, bool overwrite, EarlyStacks? early = null) => Create(target, overwrite, isPrivate: false, isOwn: false, early);

    private static TraceWriter Create(OutputFile target, bool overwrite, bool isPrivate, bool isOwn, EarlyStacks? early = null)
    {
        CheckTarget(target, overwrite);
        var writer = new TraceWriter(target, overwrite, isPrivate, isOwn);
        try
        {
            writer.Guard(() => writer.Begin(early));
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Finds out, before anything is recorded, whether a database could be written.</summary>
    /// <exception cref="IOException">It could not. The message is one line.</exception>
    public static void CheckTarget(string path, bool overwrite)
    {
        using var target = new OutputFile(path);
        CheckTarget(target, overwrite);
    }

    /// <summary>Finds out, before anything is recorded, whether a database could be written in the folder that the target holds.</summary>
    /// <exception cref="IOException">It could not. The message is one line.</exception>
    public static void CheckTarget(OutputFile target, bool overwrite)
    {
        if (target.Path.Contains('\uFFFD'))
            throw new IOException($"{target.Path} cannot be written: its name is not UTF-8");

        CheckKind(target);
        if (!overwrite && Path.Exists(target.Name))
            throw new IOException($"{target.Path} exists: give another name, or -f to replace it");

        UnfinishedFile.RemoveLeft(target);
        try
        {
            new UnfinishedFile(target).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{target.Path} cannot be written: {(Directory.Exists(target.Folder) ? e.Message : $"the folder {target.Folder} does not exist")}", e);
        }
    }

    /// <summary>Throws if a database cannot have a name: a device or a pipe is never replaced by a file.</summary>
    /// <exception cref="IOException">It is not. The message is one line.</exception>
    internal static void CheckKind(OutputFile target)
    {
        switch (OutputTargets.Of(target))
        {
            case OutputTarget.Folder:
                throw new IOException($"{target.Path} is a folder");
            case OutputTarget.Stream:
                throw new IOException($"{target.Path} is a device or a pipe: give a file with -o FILE.db");
        }
    }

    /// <summary>Adds what a process's recording came to.</summary>
    /// <param name="session">Its session.</param>
    /// <param name="replay">Finished.</param>
    /// <param name="ending">The way in which the recording ended.</param>
    /// <param name="losses">The losses other than those that the threads counted themselves.</param>
    /// <param name="objects">The types and holders of blocks, by snapshot of the replay; <see langword="null"/>: of none.</param>
    /// <param name="events">The finished log of every event; <see langword="null"/> if it was not requested.</param>
    /// <param name="group">The control group that limits the process's memory; <see langword="null"/> if there is none.</param>
    /// <exception cref="InvalidTraceException">The session's stacks or strings are damaged; the process is not in the database.</exception>
    /// <exception cref="IOException">The database cannot be written. The message is one line.</exception>
    public void Add(
        SessionFile session,
        ProcessReplay replay,
        ProcessEnding ending,
        IReadOnlyCollection<Loss> losses,
        EventLog? events = null,
        IReadOnlyDictionary<SnapshotImage, ObjectContents>? objects = null,
        ControlGroup? group = null) => Guard(() =>
    {
        _processes!.Add(session, replay, ending, losses, events, objects, group);
        ProcessCount++;
    });

    /// <summary>Adds stacks of a session that grows, before its process.</summary>
    /// <exception cref="InvalidTraceException">They are damaged.</exception>
    /// <exception cref="IOException">The database cannot be written. The message is one line.</exception>
    public void AddStacks(SessionFile session, IEnumerable<uint> nodes) => Guard(() => _processes!.AddStacks(session, nodes));

    /// <summary>Adds one snapshot of a process that continues, as its live blocks.</summary>
    /// <exception cref="InvalidTraceException">The session's stacks or strings are damaged.</exception>
    /// <exception cref="IOException">The database cannot be written. The message is one line.</exception>
    public void AddSnapshot(
        SessionFile session,
        ProcessReplay replay,
        SnapshotImage snapshot,
        IReadOnlyCollection<Loss>? losses = null,
        ObjectContents? objects = null,
        MemoryAccount? account = null,
        ControlGroup? group = null) =>
        Guard(() => _processes!.AddSnapshot(session, replay, snapshot, losses ?? [], objects, account, group));

    /// <summary>Adds the course so far of a process that continues: peak, snapshots, time slices, and its live blocks.</summary>
    /// <exception cref="InvalidTraceException">The session's stacks or strings are damaged.</exception>
    /// <exception cref="IOException">The database cannot be written. The message is one line.</exception>
    public void AddCourse(
        SessionFile session,
        ProcessReplay replay,
        IReadOnlyCollection<Loss> losses,
        IReadOnlyDictionary<SnapshotImage, ObjectContents> objects,
        MemoryAccount? account = null,
        ControlGroup? group = null) =>
        Guard(() => _processes!.AddCourse(session, replay, losses, objects, account, group));

    /// <summary>Makes a whole database of what was added so far, under the name that it will have; more can be added.</summary>
    /// <exception cref="IOException">The database cannot be written, or its file appeared meanwhile. The message is one line.</exception>
    public void Publish() => Guard(() =>
    {
        _connection!.Execute("COMMIT; PRAGMA optimize");
        try
        {
            CheckKind(_target);
            File.Move(_unfinished.Copy(), _target.Name, _overwrite || _isPublished);
            _isPublished = true;
        }
        finally
        {
            _unfinished.RemoveCopy();
        }

        _connection.Execute("BEGIN IMMEDIATE");
    });

    /// <summary>Finishes the database and gives it its name.</summary>
    /// <exception cref="IOException">The database cannot be written, or its file appeared meanwhile. The message is one line.</exception>
    public void Complete() => Guard(() =>
    {
        _processes!.Dispose();
        _processes = null;
        _connection!.Execute("COMMIT; PRAGMA optimize");
        _connection.Dispose();
        CheckKind(_target);
        _unfinished.MoveTo(_target, _overwrite || _isPublished);
    });

    public void Dispose()
    {
        _processes?.Dispose();
        _connection?.Dispose();
        _unfinished.Dispose();
        _own?.Dispose();
    }

    /// <summary>The statements of <c>schema.sql</c>, of <c>events.sql</c> or of <c>objects.sql</c>.</summary>
    internal static string Schema(string name = "schema.sql")
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private void Begin(EarlyStacks? early)
    {
        if (early is not null)
            BeginWith(early);

        _connection = new WriteConnection(_unfinished.Path);
        _connection.Execute("BEGIN IMMEDIATE");
        if (early is null)
            _connection.Execute(Schema());

        using (var meta = new RawInsert(_connection, "meta", columns: 2))
        {
            meta.Add("version", typeof(TraceWriter).Assembly.GetName().Version!.ToString(3));
            meta.Add("created_at", DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        }

        _processes = new ProcessWriter(_connection, early?.Numbers ?? new());
    }

    private void BeginWith(EarlyStacks early)
    {
        try
        {
            _unfinished.Fill(early.MoveTo);
        }
        catch (IOException e)
        {
            throw new IOException($"{_target.Path} cannot be written: {LibC.Describe(e.HResult)}", e); // the message of e names a file that the user does not know
        }
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is SqliteException or UnauthorizedAccessException)
        {
            throw new IOException(_target.Shown($"{_target.Path} cannot be written: {e.Message}"), e);
        }
        catch (IOException e) when (_target.IsHeld)
        {
            throw new IOException(_target.Shown(e.Message), e);
        }
    }
}
