using System.Diagnostics;

using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace.Attaching;

/// <summary>Starts and ends the recording of a process that runs already.</summary>
internal static class Attachment
{
    private const string LibraryName = "/liballoctrace.so", Deleted = " (deleted)";

    /// <summary>Starts a recording: the process records itself, and starts a collector. Blocks from before are unknown.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="database">
    /// The path of the database, in a folder where the process's user may write; for a process in a container, where this process may.
    /// </param>
    /// <param name="patience">The time limit until the process runs Python code.</param>
    /// <param name="options">
    /// The options of the recording; <see langword="null"/> for the defaults. <see cref="RecordingOptions.TemporaryThreshold"/> has no
    /// effect, because the process starts its collector itself.
    /// </param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <returns>The recording, if this process has to collect it, because the other one runs in a container; otherwise <see langword="null"/>.</returns>
    /// <exception cref="IOException">The process cannot be attached to, and continues unchanged. The message is one line.</exception>
    public static ContainedRecording? Start(uint pid, string database, TimeSpan patience, RecordingOptions? options = null, CancellationToken stop = default)
    {
        database = Path.GetFullPath(database);
        using var target = new TargetProcess(pid);
        var python = target.FindPython();
        var library = Recording.LibraryPath;
        var folder = Path.GetDirectoryName(database)!;
        if (!File.Exists(target.Seen(library)) || (Directory.Exists(folder) && !target.SeesFolder(folder)))
        {
            CheckTarget(database);
            return ContainedRecording.Start(target, library, database, patience, Begin);
        }

        Impersonation.As(target.Status, () => CheckAsUser(target.Status, library, database));
        Begin(new RemoteCall(library, database));
        return null;

        void Begin(RemoteCall call)
        {
            var result = Call(target, python, call with { Options = (options ?? new RecordingOptions()).ToEnvironment(collected: false) }, new AttachDeadline(patience, stop));
            if (result != RemoteCall.Done)
                throw new IOException(Describe(pid, result, "begin to record"));
        }
    }

    /// <summary>Ends a recording, however it was started. If the recording has a collector of its own, its database is complete when this returns.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="patience">The time limit until the process runs Python code.</param>
    /// <param name="stop">Ends the waiting early.</param>
    /// <returns>
    /// <see langword="null"/> if the database is complete; otherwise the session, which another collector completes or which waits for one.
    /// </returns>
    /// <exception cref="IOException">The recording cannot be ended. The message is one line.</exception>
    public static string? Stop(uint pid, TimeSpan patience, CancellationToken stop = default)
    {
        using var target = new TargetProcess(pid);
        var library = target.Files.Select(WithoutMark).FirstOrDefault(file => file.EndsWith(LibraryName, StringComparison.Ordinal))
            ?? throw new IOException(Describe(pid, RemoteCall.NotRunning, ""));
        var session = SnapshotRequest.SessionOf(pid);
        var result = Call(target, target.FindPython(), new RemoteCall(library, null), new AttachDeadline(patience, stop));
        if (result != RemoteCall.Done)
            throw new IOException(Describe(pid, result, "end the recording"));

        return session is null || StoppedSession.AwaitCollected(session) ? null : session;
    }

    /// <summary>The name of a mapped file, which may be removed: the loader knows what it has loaded by that name (ContainedRecording).</summary>
    private static string WithoutMark(string file) => file.EndsWith(Deleted, StringComparison.Ordinal) ? file[..^Deleted.Length] : file;

    private static string Describe(uint pid, int result, string what) => result switch
    {
        RemoteCall.AlreadyRecording => $"process {pid} is already being recorded",
        RemoteCall.NotRunning => $"process {pid} is not being recorded",
        RemoteCall.NotLoaded => $"process {pid} could not load liballoctrace.so: its user cannot read it, or its C library is too old",
        _ => $"process {pid} could not {what} ({result}): the reason is on its error output",
    };

    private static int Call(TargetProcess target, string python, RemoteCall call, AttachDeadline deadline) =>
        RemoteDebugging.Find(target, python) is { } door ? RemoteScript.Call(target, door, call, deadline) : Debugger.Call(target, python, call, deadline);

    /// <summary>Throws if the process's user cannot read the library or write the database.</summary>
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

        try
        {
            CheckTarget(database);
        }
        catch (IOException e) when (status.User != 0 && !Path.Exists(database))
        {
            throw new IOException($"{e.Message.TrimEnd('.')}. Let the process's user (uid {status.User}) write there, or give another place with -o", e);
        }

        return true;
    }

    private static void CheckTarget(string database)
    {
        if (File.Exists(database))
            throw new IOException($"{database} exists: give another database with -o");

        TraceWriter.CheckTarget(database, overwrite: false);
    }
}
