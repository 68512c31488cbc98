using System.Globalization;

using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace.Report.Commands;

/// <summary>The FILE of a report: a recording's file, or the PID of a process that is being recorded. A file of that name wins.</summary>
internal static class RecordingArgument
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    /// <summary>Opens it. Of a process it is what there is at this moment, with the other processes of its recording.</summary>
    /// <exception cref="InvalidTraceException">It is not a recording, or damaged.</exception>
    /// <exception cref="IOException">It cannot be read, or there is neither such a file nor such a process.</exception>
    /// <param name="fileOrPid">The argument.</param>
    /// <param name="withMemory">True to add an account of resident memory of a process.</param>
    public static TraceDatabase Open(string fileOrPid, bool withMemory = false) =>
        !File.Exists(fileOrPid) && uint.TryParse(fileOrPid, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            ? TraceDatabase.Open(LiveCopyOf(pid, withMemory), fileOrPid)
            : TraceDatabase.Open(fileOrPid);

    /// <summary>
    /// Returns a copy of the databases that the collectors write for watching commands, because they replace these for other commands. A
    /// reader opens further connections by name, so the copy stays until this command ends.
    /// </summary>
    private static string LiveCopyOf(uint pid, bool withMemory)
    {
        if (SnapshotRequest.SessionOf(pid) is null)
            throw new IOException($"there is no file {pid}, and process {pid} is not being recorded: 'alloctrace attach {pid} -o FILE.db' records it, 'alloctrace stack {pid}' prints its stacks");

        using var watch = new LiveWatch(pid);
        var files = watch.NextWithCourse(_timeout, CancellationToken.None, withMemory);
        if (files.Count == 0)
            throw new IOException($"nobody has written what process {pid} has alive: the collector does not answer, or the recording is over");

        var folder = Directory.CreateTempSubdirectory("alloctrace-live-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var copy = Path.Combine(folder, "live.db");
        if (files is [var file])
            File.Copy(file, copy);
        else
            TraceMerge.Write(copy, overwrite: false, files);

        return copy;
    }
}
