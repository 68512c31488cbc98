using AllocTrace.Storage;

namespace AllocTrace.Sessions;

/// <summary>
/// The collector that a traced process started (<c>collector=auto</c>): makes one database of all processes of the recording, and lets the
/// last process end when it is complete. It has no terminal: problems are written to <c>FILE.db.error</c>, and the sessions stay.
/// </summary>
internal static class HostCollection
{
    /// <summary>The option of <c>alloctrace collect</c> that makes it such a collector.</summary>
    public const string Option = "--recording";

    private const int ShortestLookMs = 2, LongestLookMs = 50;

    /// <summary>Collects until the recording is over.</summary>
    /// <param name="pid">The process that started the collector.</param>
    /// <param name="name">The value of <c>ALLOCTRACE</c>, which the sessions are named after.</param>
    /// <param name="path">The database.</param>
    public static void Run(uint pid, string name, string path)
    {
        using var recording = new OutputFile(name);
        using var target = new OutputFile(path);
        var paths = new SessionPaths([name]);
        var done = new HashSet<string>();
        paths.RemoveLeft();
        Collect(pid, paths, target, done);

        // Processes that began meanwhile saw the lock and started no collector of their own.
        FolderFiles.TryDelete($"{recording.Name}.lock");
        while (paths.Find().Except(done).ToArray() is [var first, ..])
            Collect(SessionSurvey.TryRead(first)?.Pid ?? 0, paths, NextFree(target), done);
    }

    /// <summary>
    /// Returns the database that a process makes as the collector of a recording; <see langword="null"/> if it is another process, or has
    /// ended.
    /// </summary>
    public static string? DatabaseOf(uint collector)
    {
        try
        {
            var arguments = File.ReadAllText($"/proc/{collector}/cmdline").Split('\0');
            return arguments.Contains(Option) ? arguments.SkipWhile(argument => argument != "-o").ElementAtOrDefault(1) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Collect(uint pid, SessionPaths paths, OutputFile target, HashSet<string> done)
    {
        using var root = new RecordingRoot(pid);
        var problems = new List<string>();
        try
        {
            using var collector = new Collector(
                () => paths.Find().Where(file => !done.Contains(file)),
                new RecordingOptions().TemporaryThreshold,
                early => TraceWriter.Create(target, overwrite: false, early),
                isAwaited: true);
            collector.Start();
            FollowToTheEnd(collector, root);
            collector.Complete();
            problems.AddRange(collector.Problems);
            collector.RemoveCollected();
            done.UnionWith(collector.Seen);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{e.Message}; the sessions are kept for 'alloctrace collect'");
            done.UnionWith(paths.Find());
        }

        if (problems.Count > 0)
            Tell([.. problems.Select(paths.Shown)], $"{target.Name}.error");
    }

    /// <summary>Writes the problems to a new file: its name can be guessed, so a file that others put there is not written to.</summary>
    private static void Tell(List<string> problems, string file)
    {
        FolderFiles.TryDelete(file);
        try
        {
            using var writer = new StreamWriter(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write });
            problems.ForEach(writer.WriteLine);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk, or a name that is taken: the processes that end say that nobody collects them.
        }
    }

    /// <summary>
    /// Publishes the database whenever no recorded process runs, because the root may be a shell that stays open for days. A root that
    /// started to record itself later ends with its recording.
    /// </summary>
    private static void FollowToTheEnd(Collector collector, RecordingRoot root)
    {
        for (var waitMs = ShortestLookMs; !collector.HasFailed; waitMs = Math.Min(2 * waitMs, LongestLookMs))
        {
            if (collector.HasLooked && collector.FollowedCount == 0)
            {
                if (!root.IsAlive() || !root.HasVariable)
                    return;

                if (collector.HasWaiting)
                    collector.Publish();
            }
            else
            {
                waitMs = ShortestLookMs;
            }

            Thread.Sleep(waitMs);
        }
    }

    private static OutputFile NextFree(OutputFile target)
    {
        var path = target.Path;
        for (var number = 2; ; number++)
        {
            var next = target.Beside(Path.Combine(Path.GetDirectoryName(path)!, $"{Path.GetFileNameWithoutExtension(path)}-{number}{Path.GetExtension(path)}"));
            if (!Path.Exists(next.Name))
                return next;
        }
    }
}
