namespace AllocTrace.Storage;

/// <summary>Reads the small tables. Directly, as a mapper takes longer to get ready than to read them (docs/performance.md).</summary>
internal static class MetadataReader
{
    public static TraceProcess[] Processes(ReadConnection connection) => Read(
        connection,
        """
        SELECT id, pid, parent_pid, command, executable, python_version, stacks, started_at, duration_ns, ending, cut_stacks, unknown_frees,
               temporary_threshold, sample_bytes
        FROM process ORDER BY id
        """,
        row => new TraceProcess(
            row.CheckedInt64(0),
            row.CheckedInt64(1),
            row.CheckedInt64(2),
            row.Text(3),
            row.Text(4),
            row.Text(5),
            row.Text(6),
            row.CheckedInt64(7),
            row.CheckedInt64(8),
            StoredWords.ProcessEnding(row.Text(9)),
            row.CheckedInt64(10),
            row.CheckedInt64(11),
            row.CheckedInt64(12),
            row.CheckedInt64(13)));

    public static TraceThread[] Threads(ReadConnection connection) => Read(
        connection,
        "SELECT id, process, os_id, name, started_ns, ended_ns, interpreter FROM thread ORDER BY id",
        row => new TraceThread(
            row.CheckedInt64(0), row.CheckedInt64(1), row.CheckedInt64(2), row.Text(3), row.CheckedInt64(4), row.NullableInt64(5), row.CheckedInt64(6)));

    public static TraceRuntime[] Runtimes(ReadConnection connection) => Read(
        connection,
        "SELECT process, library, version, found, initialized, hooked_ns, stacks FROM runtime ORDER BY process, hooked_ns",
        row => new TraceRuntime(
            row.CheckedInt64(0), row.Text(1), row.Text(2), StoredWords.RuntimeFound(row.Text(3)), row.CheckedInt64(4) != 0, row.CheckedInt64(5), row.Text(6)));

    public static TraceDomain[] Domains(ReadConnection connection) =>
        Read(connection, "SELECT id, name FROM domain ORDER BY id", row => new TraceDomain(row.CheckedInt64(0), KnownDomain.NameOf(row.Text(1))));

    public static TraceSnapshot[] Snapshots(ReadConnection connection) => Read(
        connection,
        "SELECT id, process, kind, name, at_ns, bytes, blocks FROM snapshot ORDER BY id",
        row => new TraceSnapshot(
            row.CheckedInt64(0), row.CheckedInt64(1), StoredWords.SnapshotKind(row.Text(2)), row.Text(3), row.CheckedInt64(4), row.CheckedInt64(5), row.CheckedInt64(6)));

    public static TraceLoss[] Losses(ReadConnection connection) => Read(
        connection,
        "SELECT process, thread, reason, events, first_ns, last_ns FROM loss ORDER BY process, first_ns, reason",
        row => new TraceLoss(
            row.CheckedInt64(0), row.NullableInt64(1), StoredWords.LossReason(row.Text(2)), row.CheckedInt64(3), row.NullableInt64(4), row.NullableInt64(5)));

    /// <summary>Empty in recordings of versions without the table.</summary>
    public static (long Process, long Cut, long Unplaced)[] NativeStacks(ReadConnection connection) =>
        Read(connection, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'native_stacks'", row => row.Int64(0)) is []
            ? []
            : Read(connection, "SELECT process, cut, unplaced FROM native_stacks ORDER BY process", row => (row.CheckedInt64(0), row.CheckedInt64(1), row.CheckedInt64(2)));

    public static TraceNative[] Native(ReadConnection connection) =>
        Read(connection, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'native'", _ => true).Length == 0
            ? []
            : Read(
                connection,
                "SELECT process, mode, reach, past FROM native ORDER BY process",
                row => new TraceNative(row.CheckedInt64(0), row.Text(1), row.Text(2), row.Text(3).Split('\n', StringSplitOptions.RemoveEmptyEntries)));

    /// <summary>The value of a pragma that is a number.</summary>
    public static long Pragma(ReadConnection connection, string name) => Read(connection, $"PRAGMA {name}", row => row.CheckedInt64(0)).Single();

    public static T[] Read<T>(ReadConnection connection, string sql, Func<StatementReader, T> row)
    {
        var rows = new List<T>();
        using var reader = new StatementReader(connection, sql);
        while (reader.Read())
            rows.Add(row(reader));

        return [.. rows];
    }
}
