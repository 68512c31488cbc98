using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// Runs a command under the tracer, and collects what the command and its children record. Owns the collector and the folder of the
/// sessions. An instance must not be used by several threads at the same time.
/// </summary>
public sealed class Recording : IDisposable
{
    private readonly OutputFile _target;
    private readonly SessionFolder _folder;
    private readonly Collector _collector;
    private readonly ChildProcess _child;

    private Recording(OutputFile target, SessionFolder folder, Collector collector, ChildProcess child)
    {
        _target = target;
        _folder = folder;
        _collector = collector;
        _child = child;
    }

    /// <summary>The path of the library to preload (<c>LD_PRELOAD</c>).</summary>
    /// <exception cref="FileNotFoundException">The library is missing. The message is one line.</exception>
    public static string LibraryPath => NativeLibraryFile.Find();

    /// <summary>The path of the library to preload as well for <see cref="RecordingOptions.Native"/>.</summary>
    /// <exception cref="FileNotFoundException">The library is missing. The message is one line.</exception>
    public static string ExporterPath => NativeLibraryFile.FindExporter();

    /// <summary>
    /// The path of the assembly for <c>DOTNET_STARTUP_HOOKS</c>; <see langword="null"/> in a program that has it compiled in.
    /// </summary>
    public static string? StartupHookPath => Path.Combine(AppContext.BaseDirectory, "AllocTrace.dll") is var file && File.Exists(file) ? file : null;

    /// <summary>Returns the folders in which killed <c>run</c>s left sessions that can still be collected, and their sizes in bytes.</summary>
    internal static IReadOnlyList<(string Folder, long Bytes)> Left() =>
        [.. SessionFolder.Left().Select(folder => (folder, FolderFiles.Of(folder, "").Sum(file => new FileInfo(file).Length)))];

    /// <summary>The number of bytes for sessions in shared memory; 0 when there is none, or too little for anything.</summary>
    internal static long SharedMemoryRoom => SessionFolder.SharedMemoryRoom();

    /// <summary>
    /// Starts a command, after a check that its recording can be written. The command inherits the terminal, the signals and the
    /// descriptors.
    /// </summary>
    /// <param name="command">The command and its arguments. The command is looked up on the PATH, as a shell does.</param>
    /// <param name="path">The path of the database; <c>%p</c> stands for the process id of the command.</param>
    /// <param name="overwrite">True to replace an existing file when the database is complete.</param>
    /// <param name="options">The options of the recording.</param>
    /// <returns>The running recording, which the caller disposes of.</returns>
    /// <exception cref="IOException">The database cannot be written, or the library is missing. The message is one line.</exception>
    /// <exception cref="CommandNotStartedException">There is no such command, or it cannot be executed.</exception>
    public static Recording Start(IReadOnlyList<string> command, string path, bool overwrite, RecordingOptions options)
    {
        var target = new OutputFile(path.Replace("%p", "PID", StringComparison.Ordinal)); // a message about it should not look like a pattern
        TraceWriter.CheckTarget(target, overwrite);
        string[] libraries = options.Native == NativeMode.Off ? [NativeLibraryFile.Find()] : [NativeLibraryFile.Find(), NativeLibraryFile.FindExporter()];
        var folder = SessionFolder.Create();
        Collector? collector = null;
        try
        {
            var child = ChildProcess.Start(command, Variables(libraries, folder, options));
            target = target.Beside(path.Replace("%p", child.Pid.ToString(), StringComparison.Ordinal));
            collector = new Collector(folder.Sessions, options.TemporaryThreshold, early => TraceWriter.Create(target, overwrite, early));
            collector.Start();
            return new Recording(target, folder, collector, child);
        }
        catch
        {
            collector?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Blocks until the command has ended and the database is complete. Children that still run are not waited for, and continue.
    /// </summary>
    /// <param name="commandEnded">Called when the command has ended, before the database is completed.</param>
    /// <returns>The exit code of the command, and the database.</returns>
    /// <exception cref="IOException">
    /// The database cannot be written. All sessions stay where they are. The message is one line, and says how to collect them.
    /// </exception>
    public RecordingResult Wait(Action? commandEnded = null)
    {
        var exitCode = _child.Wait();
        commandEnded?.Invoke();
        try
        {
            var isRecorded = _collector.Complete();
            return new RecordingResult(exitCode, isRecorded ? _target.Path : null, _collector.ProcessCount, _collector.Running, Problems());
        }
        catch (IOException e)
        {
            _folder.Keep = _folder.Sessions().Any();
            if (!_folder.Keep)
                throw;

            throw new IOException($"{e.Message}. The recording is kept: {HowToCollect}", e);
        }
    }

    /// <summary>
    /// Stops the collector, and removes the sessions unless they could not be written to the database. Does not end the command.
    /// </summary>
    public void Dispose()
    {
        _collector.Dispose();
        _folder.Dispose();
        _child.Dispose();
        _target.Dispose();
    }

    private string HowToCollect => $"alloctrace collect -o FILE.db {_folder.Path}";

    /// <summary>Sessions that are not in the database, though it is complete, stay.</summary>
    private IReadOnlyList<string> Problems()
    {
        if (!_collector.HasAbandoned)
            return _collector.Problems;

        _collector.RemoveCollected();
        _folder.Keep = true;
        return [.. _collector.Problems, $"the rest of the recording is kept: {HowToCollect}"];
    }

    private static Dictionary<string, string> Variables(IEnumerable<string> libraries, SessionFolder folder, RecordingOptions options)
    {
        var preloaded = libraries.Select(library => Preloadable(library, folder));
        if (Environment.GetEnvironmentVariable("LD_PRELOAD") is { Length: > 0 } present)
            preloaded = preloaded.Append(present);

        return new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = string.Join(':', preloaded),
            ["ALLOCTRACE"] = $"{folder.Path}/", // nothing but a folder: where it is not to be seen, the program says so
            ["ALLOCTRACE_OPTIONS"] = options.ToEnvironment(collected: true),
        };
    }

    /// <summary>The loader takes blanks and colons for separators: a library whose path has some is named by a link.</summary>
    private static string Preloadable(string library, SessionFolder folder)
    {
        if (library.AsSpan().IndexOfAny(' ', ':') < 0)
            return library;

        var link = Path.Combine(folder.Path, Path.GetFileName(library));
        File.CreateSymbolicLink(link, library);
        return link;
    }
}
