using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>
/// Writes periods of processes into the current database of a series, which is attached as <c>part</c>. A site's sums there are those since
/// the database began; blocks that were live before count as inherited, as in a forked child. Used by one thread at a time, within its
/// transactions.
/// </summary>
internal sealed class PeriodWriter : IDisposable
{
    /// <summary>The name of the threads of a process, which are folded.</summary>
    private const string AllThreads = "all threads";

    private const string SetSnapshot = "UPDATE part.snapshot SET at_ns = ?2, bytes = ?3, blocks = ?4 WHERE id = ?1";

    private readonly FrameTrie _frames;
    private readonly Dictionary<string, SqlStatement> _statements = [];
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, long> _domains = new() { ["raw"] = 0, ["mem"] = 1, ["obj"] = 2 };
    private readonly HashSet<int> _stacks = [0], _codes = [];
    private long _processes, _threads, _sites, _snapshots, _slices;

    /// <param name="connection">Open, with the database attached; not owned.</param>
    /// <param name="frames">The stacks of the sites.</param>
    public PeriodWriter(SqliteConnection connection, FrameTrie frames)
    {
        _connection = connection;
        _frames = frames;
    }

    /// <summary>Writes the period of a process that ends now.</summary>
    /// <param name="process">The process, with the sums that it has reached.</param>
    /// <param name="nowNs">The end of the period, nanoseconds since 1970.</param>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Write(FollowedProcess process, long nowNs)
    {
        if (process.Row == 0)
            Begin(process);

        var (fromNs, untilNs) = (Math.Max(0, process.UntilNs - process.Description.StartedNs), Math.Max(0, nowNs - process.Description.StartedNs));
        var slice = ++_slices;
        MemoryAmount before = default, live = default;
        foreach (ref var site in process.Sites)
        {
            before += site.Committed.Live;
            live += site.Latest.Live;
            if (site.Row == 0 && (site.Latest != site.Committed || site.Latest.Live.Blocks != 0))
                AddSite(process, ref site);

            if (site.Latest != site.Committed)
                AddChange(process, ref site, slice);
        }

        Run("slice", "INSERT INTO part.slice VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .Execute(slice, process.Row, fromNs, Math.Max(fromNs, untilNs), live.Bytes, live.Blocks, Math.Max(before.Bytes, live.Bytes), process.ResidentBytes);
        AddSpans(process, slice);
        Run("snapshot figures", SetSnapshot).Execute(process.SnapshotRow, untilNs, live.Bytes, live.Blocks);
        Run("process's end", "UPDATE part.process SET duration_ns = ?2, ending = ?3, cut_stacks = ?4, unknown_frees = ?5 WHERE id = ?1")
            .ExecuteAny(process.Row, untilNs, process.Ending.Word(), process.CutStacks, process.UnknownFrees);
        if (live.Bytes > process.PeakBytes)
            SetPeak(process, untilNs, live);

        AddLosses(process);
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
    }

    private SqlStatement Run(string name, string sql)
    {
        if (!_statements.TryGetValue(name, out var statement))
            _statements.Add(name, statement = new SqlStatement(_connection.Handle!, sql));

        return statement;
    }

    private void Begin(FollowedProcess process)
    {
        var its = process.Description;
        process.Row = ++_processes;
        process.SnapshotRow = ++_snapshots;
        process.PeakRow = ++_snapshots;
        Run("process", "INSERT INTO part.process VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").ExecuteAny(
            process.Row, its.Pid, its.ParentPid, its.Command, its.Executable, its.PythonVersion, its.Stacks, its.StartedNs, 0L, ProcessEnding.Running.Word(), 0L, 0L,
            its.TemporaryThreshold, its.SampleBytes);
        foreach (var (row, kind) in new[] { (process.SnapshotRow, SnapshotKind.Live.Word()), (process.PeakRow, SnapshotKind.Peak.Word()) })
            Run("snapshot", "INSERT INTO part.snapshot VALUES (?, ?, ?, ?, 0, 0, 0)").ExecuteAny(row, process.Row, kind, kind);
    }

    private void AddSite(FollowedProcess process, ref FollowedSite site)
    {
        AddStack(site.Stack);
        var inherited = site.Committed.Live;
        site.Row = ++_sites;
        Run("site", "INSERT INTO part.site VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, ?, ?, ?)").Execute(
            site.Row, process.Row, ThreadOf(process, site.Interpreter), Domain(process.DomainName(site.Key.Domain)), site.Stack, inherited.Bytes, inherited.Blocks, site.Expression);
        site.HasChangedSincePeak = true;
        if (inherited.Blocks != 0)
            SetAlive(process.SnapshotRow, site.Row, inherited);
    }

    private void AddChange(FollowedProcess process, ref FollowedSite site, long slice)
    {
        var change = site.Latest - site.Committed;
        Run("slice_site", "INSERT INTO part.slice_site VALUES (?, ?, ?, ?, ?, ?)")
            .Execute(slice, site.Row, change.Allocated.Bytes, change.Allocated.Blocks, change.Freed.Bytes, change.Freed.Blocks);
        Run(
            "site's sums",
            """
            UPDATE part.site SET allocated_bytes = allocated_bytes + ?2, allocated_blocks = allocated_blocks + ?3, freed_bytes = freed_bytes + ?4,
                freed_blocks = freed_blocks + ?5, temporary_bytes = temporary_bytes + ?6, temporary_blocks = temporary_blocks + ?7 WHERE id = ?1
            """).Execute(
                site.Row, change.Allocated.Bytes, change.Allocated.Blocks, change.Freed.Bytes, change.Freed.Blocks, change.Temporary.Bytes, change.Temporary.Blocks);
        SetAlive(process.SnapshotRow, site.Row, site.Latest.Live);
        site.HasChangedSincePeak = true;
    }

    private void AddSpans(FollowedProcess process, long slice)
    {
        foreach (var ((number, span), sum) in process.Spans.Period())
        {
            ref var site = ref process.Sites[number];
            if (site.Row == 0)
                AddSite(process, ref site);

            Run("span", "INSERT INTO part.slice_span VALUES (?, ?, ?, ?, ?, ?, ?)")
                .ExecuteAny(slice, site.Row, span.TraceId, span.SpanId, sum.Samples, sum.Allocated.Bytes, sum.Allocated.Blocks);
        }

        var more = process.Spans.Latest.Since(process.Spans.Committed);
        if (more != default)
        {
            Run(
                "spans",
                """
                INSERT INTO part.trace_context VALUES (?1, ?2, ?3, ?4) ON CONFLICT (process) DO UPDATE SET samples = samples + excluded.samples,
                    not_kept = not_kept + excluded.not_kept, unread = unread + excluded.unread
                """).Execute(process.Row, more.Samples, more.NotKept, more.Unread);
        }
    }

    /// <summary>Updates the rows of the peak, because more bytes are live than after any period before.</summary>
    private void SetPeak(FollowedProcess process, long atNs, MemoryAmount live)
    {
        process.PeakBytes = live.Bytes;
        Run("snapshot figures", SetSnapshot).Execute(process.PeakRow, atNs, live.Bytes, live.Blocks);
        foreach (ref var site in process.Sites)
        {
            if (site.Row != 0 && site.HasChangedSincePeak)
                SetAlive(process.PeakRow, site.Row, site.Latest.Live);

            site.HasChangedSincePeak = false;
        }
    }

    private void SetAlive(long snapshot, long site, MemoryAmount alive)
    {
        if (alive.Blocks != 0)
        {
            Run("alive", "INSERT INTO part.snapshot_site VALUES (?1, ?2, ?3, ?4) ON CONFLICT (snapshot, site) DO UPDATE SET bytes = excluded.bytes, blocks = excluded.blocks")
                .Execute(snapshot, site, alive.Bytes, alive.Blocks);
        }
        else
        {
            Run("not alive", "DELETE FROM part.snapshot_site WHERE snapshot = ?1 AND site = ?2").Execute(snapshot, site);
        }
    }

    private long ThreadOf(FollowedProcess process, uint interpreter)
    {
        if (!process.ThreadRows.TryGetValue(interpreter, out var row))
        {
            process.ThreadRows.Add(interpreter, row = ++_threads);
            Run("thread", "INSERT INTO part.thread VALUES (?, ?, ?, ?, 0, NULL, ?)").ExecuteAny(row, process.Row, process.Description.Pid, AllThreads, interpreter);
        }

        return row;
    }

    private long Domain(string name)
    {
        if (!_domains.TryGetValue(name, out var row))
        {
            _domains.Add(name, row = _domains.Count);
            Run("domain", "INSERT INTO part.domain VALUES (?, ?)").ExecuteAny(row, name);
        }

        return row;
    }

    /// <summary>Writes a stack and its callers under their numbers in the trie, unless they are there.</summary>
    private void AddStack(int stack)
    {
        var path = new Stack<int>();
        for (; !_stacks.Contains(stack); stack = _frames[stack].Caller)
            path.Push(stack);

        foreach (var each in path)
        {
            var entry = _frames[each];
            if (entry.Code != FrameTrie.NotKeptCode && _codes.Add(entry.Code))
            {
                var code = _frames.Code(entry.Code);
                Run("code", "INSERT INTO part.code VALUES (?, ?, ?, ?, ?)").ExecuteAny(entry.Code, code.Filename, code.Name, code.Qualname, code.FirstLine);
            }

            Run("stack", "INSERT INTO part.stack VALUES (?, ?, ?, ?, ?)")
                .Execute(each, entry.Caller, entry.Code == FrameTrie.NotKeptCode ? null : entry.Code, entry.Line, entry.Depth);
            _stacks.Add(each);
        }
    }

    /// <summary>Losses grow: the rows of a process are those of the last period.</summary>
    private void AddLosses(FollowedProcess process)
    {
        if (process.HasRestarted)
            Run("restart", "INSERT INTO part.loss VALUES (?, NULL, ?, 0, NULL, NULL)").ExecuteAny(process.Row, LossReason.CollectedBefore.Word());

        if (process.Losses.Count == 0)
            return;

        Run("old losses", "DELETE FROM part.loss WHERE process = ?1 AND reason <> ?2").ExecuteAny(process.Row, LossReason.CollectedBefore.Word());
        foreach (var loss in process.Losses)
            Run("loss", "INSERT INTO part.loss VALUES (?, NULL, ?, ?, ?, ?)").ExecuteAny(process.Row, loss.Reason.Word(), loss.Events, loss.FirstNs, loss.LastNs);
    }
}
