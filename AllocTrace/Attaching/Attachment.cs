using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace.Attaching;

/// <summary>Starts and ends the recording of a process that runs already.</summary>
public static class Attachment
{
    private const string Library = "/liballoctrace.so";

    /// <summary>Starts. Blocks from before are not known.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="database">What the recording becomes: a path.</param>
    /// <param name="patience">How long to wait until it runs Python code.</param>
    /// <exception cref="IOException">It could not be done; the process goes on as before. The message is one line.</exception>
    public static void Start(uint pid, string database, TimeSpan patience)
    {
        database = Path.GetFullPath(database);
        using var target = new Target(pid);
        var python = PythonOf(target);
        var library = Recording.LibraryPath;
        if (SnapshotRequest.SessionOf(pid) is not null)
            throw AlreadyRecorded(pid);

        TraceWriter.CheckTarget(database, overwrite: false);
        if (!File.Exists(target.Seen(library)))
            throw new IOException($"process {pid} does not see {library}: it is in a container");

        var result = Call(target, python, new Call(library, database), patience);
        if (result == Attaching.Call.AlreadyRecording)
            throw AlreadyRecorded(pid);

        if (result != 0)
            throw new IOException($"process {pid} could not begin to record ({result}): its stderr says why");
    }

    /// <summary>Ends a recording, however it was started. Its database is complete when this returns.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="patience">How long to wait until it runs Python code.</param>
    /// <exception cref="IOException">It could not be done. The message is one line.</exception>
    public static void Stop(uint pid, TimeSpan patience)
    {
        using var target = new Target(pid);
        var python = PythonOf(target);
        var library = target.Files.FirstOrDefault(file => file.EndsWith(Library, StringComparison.Ordinal)) ?? throw new IOException($"process {pid} is not being recorded");
        if (Call(target, python, new Call(library, null), patience) is not 0 and var result)
            throw new IOException(result == -2 ? $"process {pid} is not being recorded" : $"process {pid} could not end the recording ({result}): its stderr says why");
    }

    private static IOException AlreadyRecorded(uint pid) => new($"process {pid} is being recorded already");

    private static int Call(Target target, string python, Call call, TimeSpan patience) =>
        RemoteDebugging.Find(target, python) is { } door ? RemoteScript.Call(target, door, call, patience) : Debugger.Call(target, python, call, patience);

    /// <summary>The mapped file that is CPython: the executable, or a library.</summary>
    private static string PythonOf(Target target)
    {
        foreach (var file in target.Files.Where(file => File.Exists(target.Seen(file))))
        {
            try
            {
                if (target.Symbols(file, "PyEval_SaveThread").Count > 0)
                    return file;
            }
            catch (IOException)
            {
                // A font, a catalogue of messages: no ELF file.
            }
        }

        throw new IOException($"process {target.Pid} runs no Python that exports its functions");
    }
}
