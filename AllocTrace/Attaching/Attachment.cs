using System.Diagnostics;

using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace.Attaching;

/// <summary>Starts and ends the recording of a process that runs already.</summary>
public static class Attachment
{
    private const string LibraryName = "/liballoctrace.so";

    /// <summary>Starts: the process records itself, and starts a collector. Blocks from before are not known.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="database">What the recording becomes: a path where the process's user may write.</param>
    /// <param name="patience">How long to wait until it runs Python code.</param>
    /// <param name="options">
    /// The options of the recording; <see langword="null"/>: the defaults. <see cref="RecordingOptions.TemporaryThreshold"/> has no effect: the process
    /// starts its collector itself.
    /// </param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <exception cref="IOException">It failed; the process continues unchanged. The message is one line.</exception>
    public static void Start(uint pid, string database, TimeSpan patience, RecordingOptions? options = null, CancellationToken stop = default)
    {
        database = Path.GetFullPath(database);
        using var target = new TargetProcess(pid);
        var python = target.FindPython();
        var library = Recording.LibraryPath;
        Impersonation.As(target.Status, () => CheckAsUser(target.Status, library, database));
        if (!File.Exists(target.Seen(library)))
            throw new IOException($"process {pid} cannot see {library}: it runs in a container. Share that folder with it");

        if (!Directory.Exists(target.Seen(Path.GetDirectoryName(database)!)))
            throw new IOException($"process {pid} cannot see {Path.GetDirectoryName(database)}: it runs in a container. Give a shared folder with -o");

        var result = Call(target, python, new RemoteCall(library, database, (options ?? new RecordingOptions()).ToEnvironment(collected: false)), new AttachDeadline(patience, stop));
        if (result != RemoteCall.Done)
            throw new IOException(Describe(pid, result, "begin to record"));
    }

    /// <summary>Ends a recording, however it was started. If the recording has a collector of its own, its database is complete when this returns.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="patience">How long to wait until it runs Python code.</param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <returns>The session, when somebody else is to complete the database, or has to be told to; <see langword="null"/>: it is complete.</returns>
    /// <exception cref="IOException">It could not be done. The message is one line.</exception>
    public static string? Stop(uint pid, TimeSpan patience, CancellationToken stop = default)
    {
        using var target = new TargetProcess(pid);
        var library = target.Files.FirstOrDefault(file => file.EndsWith(LibraryName, StringComparison.Ordinal))
            ?? throw new IOException(Describe(pid, RemoteCall.NotRunning, ""));
        var session = SnapshotRequest.SessionOf(pid);
        var result = Call(target, target.FindPython(), new RemoteCall(library, null), new AttachDeadline(patience, stop));
        if (result != RemoteCall.Done)
            throw new IOException(Describe(pid, result, "end the recording"));

        return session is null || StoppedSession.AwaitCollected(session) ? null : session;
    }

    private static string Describe(uint pid, int result, string what) => result switch
    {
        RemoteCall.AlreadyRecording => $"process {pid} is already being recorded",
        RemoteCall.NotRunning => $"process {pid} is not being recorded",
        RemoteCall.NotLoaded => $"process {pid} could not load liballoctrace.so: its user cannot read it, or its C library is too old",
        _ => $"process {pid} could not {what} ({result}): the reason is on its error output",
    };

    private static int Call(TargetProcess target, string python, RemoteCall call, AttachDeadline deadline) =>
        RemoteDebugging.Find(target, python) is { } door ? RemoteScript.Call(target, door, call, deadline) : Debugger.Call(target, python, call, deadline);

    /// <summary>Finds out what the process's user may not do.</summary>
    private static bool CheckAsUser(TargetStatus status, string library, string database)
    {
        try
        {
            File.OpenHandle(library).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"the process's user (uid {status.User}) cannot read {library}: install alloctrace where all users can read (dotnet tool install --tool-path /opt/alloctrace …)", e);
        }

        if (File.Exists(database))
            throw new IOException($"{database} exists: give another database with -o");

        try
        {
            TraceWriter.CheckTarget(database, overwrite: false);
        }
        catch (IOException e) when (status.User != 0 && !Path.Exists(database))
        {
            throw new IOException($"{e.Message.TrimEnd('.')}. Let the process's user (uid {status.User}) write there, or give another place with -o", e);
        }

        return true;
    }
}
