using AllocTrace.Analysis;
using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace;

/// <summary>
/// Records the Python that this process embeds. A background thread collects the recording into a database. Start it before the
/// interpreter's library is loaded or initialized: blocks from before the start are unknown. A process has one recording at a time. Any
/// thread may call the members.
/// </summary>
/// <example>
/// <code>
/// using var tracer = AllocationTracer.Start("service.db");
/// // … load libpython, run Python …
/// var snapshot = tracer.TakeSnapshot("after start");
/// foreach (var statistic in snapshot.Statistics(GroupBy.Lineno).Take(10))
///     Console.WriteLine(statistic);
/// </code>
/// </example>
public sealed class AllocationTracer : IDisposable
{
    private const uint FlushMs = 10_000;

    /// <summary>The time limit for replaying a snapshot.</summary>
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    private readonly NativeTracer _native;
    private readonly Collector _collector;
    private readonly Lock _stopping = new();
    private bool _isStopped;

    private AllocationTracer(NativeTracer native, Collector collector, string path)
    {
        _native = native;
        _collector = collector;
        DatabasePath = path;
    }

    /// <summary>The path of the database, which is complete when the recording has been stopped.</summary>
    public string DatabasePath { get; }

    /// <summary>The problems with single processes, one line each. The list is complete after <see cref="Stop"/>.</summary>
    public IReadOnlyList<string> Problems => _collector.Problems;

    /// <summary>Starts a recording. Python that is loaded or initialized later is recorded from its first allocation.</summary>
    /// <param name="path">
    /// The path of the database; <c>%p</c> stands for the id of this process. Until the database is complete, sessions are beside it.
    /// </param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults: every allocation with its whole Python stack.</param>
    /// <param name="overwrite">True to replace an existing file when the database is complete.</param>
    /// <returns>The recording. The caller stops it, or disposes of it; the end of the process does the same.</returns>
    /// <exception cref="IOException">
    /// The database cannot be written, or the native library is missing or cannot start. The message is one line.
    /// </exception>
    /// <exception cref="InvalidOperationException">This process is already being recorded.</exception>
    public static AllocationTracer Start(string path, RecordingOptions? options = null, bool overwrite = false)
    {
        options ??= new RecordingOptions();
        return Start(path, options.ToEnvironment(collected: true), options.TemporaryThreshold, overwrite);
    }

    /// <summary>
    /// Starts the recording that the variables <c>ALLOCTRACE</c> and <c>ALLOCTRACE_OPTIONS</c> request, unless this process is already
    /// recorded.
    /// </summary>
    /// <returns>The recording; <see langword="null"/> if the variables request none, or the preloaded library already records.</returns>
    /// <exception cref="IOException">
    /// The database cannot be written, or the native library is missing or cannot start. The message is one line.
    /// </exception>
    public static AllocationTracer? StartFromEnvironment()
    {
        if (Environment.GetEnvironmentVariable("ALLOCTRACE") is not { Length: > 0 } path || NativeTracer.Load().IsRecording)
            return null;

        var name = $"{AppDomain.CurrentDomain.FriendlyName}-%p.db";
        var database = Directory.Exists(path) ? Path.Combine(path, name) : path;
        var asked = Environment.GetEnvironmentVariable("ALLOCTRACE_OPTIONS");
        return Start(database, string.IsNullOrEmpty(asked) ? "collector=off" : $"{asked},collector=off", new RecordingOptions().TemporaryThreshold, overwrite: false);
    }

    /// <summary>
    /// Takes a snapshot of the live blocks, and keeps it under its name in the database (<c>alloctrace top FILE.db --at NAME</c>). Blocks
    /// until the collector has replayed everything up to the snapshot, for about 20 seconds at most.
    /// </summary>
    /// <param name="name">The name of the snapshot. Names may repeat.</param>
    /// <param name="objects">
    /// True to read the types and holders of the blocks from a copy of this process. The calling thread must hold the GIL. If there can be
    /// no copy, the native library writes the reason to the error output, and <see cref="Snapshot.HasTypes"/> of the result is
    /// <see langword="false"/>.
    /// </param>
    /// <returns>The live blocks of this process at the snapshot. The result needs neither the recording nor a file.</returns>
    /// <exception cref="InvalidOperationException">Nothing has been recorded yet, or the recording was stopped.</exception>
    /// <exception cref="IOException">
    /// The temporary file of the snapshot, beside the database, cannot be written. The message is one line.
    /// </exception>
    /// <exception cref="TimeoutException">The collector did not reach the snapshot in time.</exception>
    public Snapshot TakeSnapshot(string name, bool objects = false)
    {
        lock (_stopping)
        {
            var result = _isStopped ? NativeTracer.NotRunning : _native.Snapshot(name, objects);
            if (result == NativeTracer.NotRunning || (result != NativeTracer.Done && !objects))
                throw new InvalidOperationException(_isStopped ? "the recording was stopped" : "nothing has been recorded yet");

            var file = $"{DatabasePath}.{Path.GetRandomFileName()}.snapshot";
            try
            {
                Write(name, file);
                using var database = TraceDatabase.Open(file);
                return database.Objects.Any(objects => objects.IsRead) ? Snapshot.LoadWithTypes(database) : Snapshot.Load(database);
            }
            finally
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>
    /// Ends the recording, and blocks until the database is complete. Python may continue, unrecorded. The database has the allocations of
    /// running child processes up to this call. A second call is a no-op.
    /// </summary>
    /// <returns>True if there is a database; false if nothing was recorded.</returns>
    /// <exception cref="IOException">The database cannot be written. The sessions are kept. The message is one line.</exception>
    public bool Stop()
    {
        lock (_stopping)
        {
            if (_isStopped)
                return File.Exists(DatabasePath);

            _isStopped = true;
            AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
            _native.Stop();
            try
            {
                var isRecorded = _collector.Complete();
                _collector.RemoveCollected();
                return isRecorded;
            }
            finally
            {
                _collector.Dispose();
            }
        }
    }

    /// <summary>Ends the recording; see <see cref="Stop"/>.</summary>
    /// <exception cref="IOException">The database cannot be written. The sessions are kept. The message is one line.</exception>
    public void Dispose() => Stop();

    private static AllocationTracer Start(string path, string options, int temporaryThreshold, bool overwrite)
    {
        FileSizeLimit.Survive();
        path = Path.GetFullPath(path.Replace("%p", Environment.ProcessId.ToString(), StringComparison.Ordinal));
        var target = new OutputFile(path); // held until it is collected: the collector's function has it
        TraceWriter.CheckTarget(target, overwrite);
        var native = NativeTracer.Load();
        if (native.IsRecording)
            throw new InvalidOperationException("this process is already being recorded");

        var others = SessionPaths.Beside(path).ToHashSet(); // left by an earlier recording
        var collector = new Collector(
            () => SessionPaths.Beside(path).Where(file => !others.Contains(file)), temporaryThreshold, early => TraceWriter.Create(target, overwrite, early))
        {
            BeginThread = native.LeaveOutThread, // with the option native, what it does would be recorded, and make more to do
        };
        if (native.Start(path, options) != NativeTracer.Done)
        {
            collector.Dispose();
            throw new IOException($"{path}: the native library could not start the recording; the reason is on the error output");
        }

        collector.Start();
        var tracer = new AllocationTracer(native, collector, path);
        AppDomain.CurrentDomain.ProcessExit += tracer.OnProcessExit;
        return tracer;
    }

    private void Write(string name, string file)
    {
        if (_native.Flush(FlushMs) != NativeTracer.Done)
            throw new TimeoutException($"timed out: the collector did not reach the snapshot \"{name}\"");

        using var writer = TraceWriter.Create(file, overwrite: false);
        var end = Environment.TickCount64 + (long)_timeout.TotalMilliseconds;
        while (!_collector.TryWriteSnapshot((uint)Environment.ProcessId, name, writer))
        {
            if (Environment.TickCount64 > end)
                throw new TimeoutException($"timed out: the collector did not reach the snapshot \"{name}\"");

            Thread.Sleep(1);
        }

        writer.Complete();
    }

    private void OnProcessExit(object? sender, EventArgs e)
    {
        try
        {
            Stop();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or InvalidTraceException)
        {
            Console.Error.WriteLine($"alloctrace: {problem.Message}");
        }
    }
}
