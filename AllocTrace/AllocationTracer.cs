using AllocTrace.Analysis;
using AllocTrace.Sessions;
using AllocTrace.Storage;

namespace AllocTrace;

/// <summary>
/// Records the Python that this process embeds, and collects it in a background thread into a database. Start it before the interpreter's library is loaded or
/// initialized, and nothing is missed; later, what Python had allocated before is not known. One recording at a time; its members may be
/// called by any thread.
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
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

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

    /// <summary>The database that the recording becomes when it is stopped.</summary>
    public string DatabasePath { get; }

    /// <summary>The problems with single processes, one line each. Complete after <see cref="Stop"/>.</summary>
    public IReadOnlyList<string> Problems => _collector.Problems;

    /// <summary>Starts a recording.</summary>
    /// <param name="path">The database; <c>%p</c> is this process's number. Until it is complete, sessions lie beside it.</param>
    /// <param name="options">What is recorded; <see langword="null"/> for everything.</param>
    /// <param name="overwrite">Whether a file of that name may be replaced.</param>
    /// <exception cref="IOException">The database could not be written, or the native library is missing or refuses. The message is one line.</exception>
    /// <exception cref="InvalidOperationException">This process is being recorded already.</exception>
    public static AllocationTracer Start(string path, RecordingOptions? options = null, bool overwrite = false)
    {
        options ??= new RecordingOptions();
        return Start(path, options.ToEnvironment(collected: true), options.TemporaryThreshold, overwrite);
    }

    /// <summary>Starts a recording if the variables <c>ALLOCTRACE</c> and <c>ALLOCTRACE_OPTIONS</c> ask for one and this process is not recorded yet.</summary>
    /// <returns><see langword="null"/> when they do not, or the preloaded library records already.</returns>
    /// <exception cref="IOException">The database could not be written, or the native library is missing or refuses. The message is one line.</exception>
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
    /// Takes a snapshot of what is alive now, and keeps it under its name in the database (<c>alloctrace top FILE.db --at NAME</c>). Waits until
    /// the collector has come as far.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="objects">
    /// Whether the types and holders of the blocks are read, from a copy of this process. The calling thread must hold the GIL. Where there can be no
    /// copy, the native library says why on the error output, and <see cref="Snapshot.HasTypes"/> of the result is <see langword="false"/>.
    /// </param>
    /// <exception cref="InvalidOperationException">Nothing was recorded yet, or the recording was stopped.</exception>
    /// <exception cref="IOException">The snapshot cannot be written: it goes through a temporary file beside the database. The message is one line.</exception>
    /// <exception cref="TimeoutException">The collector did not come as far in time.</exception>
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
    /// Ends the recording and completes the database. Python may go on, unrecorded. Children of this process that still run are in the database
    /// with what they did so far.
    /// </summary>
    /// <returns>True if there is a database; otherwise nothing was recorded.</returns>
    /// <exception cref="IOException">The database cannot be written; sessions are kept. The message is one line.</exception>
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
            () => SessionPaths.Beside(path).Where(file => !others.Contains(file)), temporaryThreshold, () => TraceWriter.Create(target, overwrite))
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
        var end = Environment.TickCount64 + (long)_patience.TotalMilliseconds;
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
