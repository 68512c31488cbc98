using System.Globalization;

using AllocTrace.Sessions;

using Microsoft.Win32.SafeHandles;

namespace AllocTrace.Attaching;

/// <summary>
/// The recording of a process that sees neither this library's file nor the database's folder, as in a container: the library is carried into the
/// process's own <c>/tmp</c>, its sessions are made beside it, and this process collects them. Used by one thread.
/// </summary>
internal sealed class ContainedRecording : IDisposable
{
    private const string LibraryName = "liballoctrace.so", SessionsName = "sessions";
    private const int LookMs = 20;

    private readonly uint _pid;
    private readonly string _database;
    private readonly TimeSpan _patience;
    private readonly HandoverFolder _folder;
    private readonly SafeFileHandle _sessions;

    private ContainedRecording(TargetProcess target, string library, string database, TimeSpan patience)
    {
        _pid = target.Pid;
        _database = database;
        _patience = patience;
        _folder = new HandoverFolder(target);
        try
        {
            _folder.AddReadable(LibraryName, File.ReadAllBytes(library));
            _sessions = _folder.AddFolder(SessionsName);
        }
        catch
        {
            _folder.Dispose();
            throw;
        }
    }

    /// <summary>Waits until the process ends, or its recording does, and completes the database.</summary>
    /// <param name="stop">Ends the recording; the process continues.</param>
    /// <returns><see langword="null"/> if nothing was recorded.</returns>
    /// <exception cref="IOException">The database cannot be written; the sessions are left in the container. The message is one line.</exception>
    public CollectionResult? Wait(CancellationToken stop)
    {
        // By descriptor: the paths of a container end with its last process.
        var folder = string.Create(CultureInfo.InvariantCulture, $"{HeldFolders.Prefix}{_sessions.DangerousGetHandle()}");
        while (Directory.GetFiles(folder).Length == 0)
        {
            if (stop.IsCancellationRequested || TargetStatus.Of(_pid) is null or { IsOver: true })
                return null;

            Thread.Sleep(LookMs);
        }

        using var collection = SessionCollection.Start([folder], _database, overwrite: false, new RecordingOptions().TemporaryThreshold);
        using var leave = new CancellationTokenSource();
        using var stopping = stop.Register(() => Task.Run(() => EndRecording(leave)));
        return collection.Wait(leave.Token);
    }

    /// <summary>Removes what was carried into the container, except sessions that are not in a database.</summary>
    public void Dispose()
    {
        _sessions.Dispose();
        _folder.Dispose();
    }

    /// <summary>Makes the folder, and has the process load the library and begin to record.</summary>
    /// <param name="target">The process.</param>
    /// <param name="library">The library.</param>
    /// <param name="database">The database, a path of this process.</param>
    /// <param name="patience">The time limit for the process when the recording is ended.</param>
    /// <param name="call">Makes the call.</param>
    /// <exception cref="IOException">It failed; the process continues unchanged. The message is one line.</exception>
    internal static ContainedRecording Start(TargetProcess target, string library, string database, TimeSpan patience, Action<RemoteCall> call)
    {
        var recording = new ContainedRecording(target, library, database, patience);
        try
        {
            call(new RemoteCall(Path.Combine(recording._folder.Path, LibraryName), $"{Path.Combine(recording._folder.Path, SessionsName)}/"));
            recording._folder.Remove(LibraryName);
            return recording;
        }
        catch
        {
            recording.Dispose();
            throw;
        }
    }

    private void EndRecording(CancellationTokenSource leave)
    {
        try
        {
            Attachment.Stop(_pid, _patience);
        }
        catch (IOException)
        {
            leave.Cancel(); // it runs no Python code: what was recorded so far is what there is
        }
    }
}
