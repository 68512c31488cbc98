namespace AllocTrace.Storage;

/// <summary>Reads accounts of resident memory. Recordings of older versions have none of the tables.</summary>
internal sealed class MemoryReader(TraceDatabase database, ReadConnection connection)
{
    public TraceMemory[] Accounts()
    {
        if (!Exists("memory"))
            return [];

        var parts = MetadataReader.Read(
            connection,
            "SELECT memory, kind, name, resident_bytes, live_bytes FROM memory_part ORDER BY memory, position",
            row => (Memory: row.CheckedInt64(0), Part: new TraceMemoryPart(row.Text(1), row.Text(2), row.CheckedInt64(3), row.CheckedInt64(4)))).ToLookup(row => row.Memory, row => row.Part);
        var holds = MetadataReader.Read(
            connection,
            "SELECT memory, site, bytes, live_bytes FROM memory_hold ORDER BY memory, bytes - live_bytes DESC, site",
            row => (Memory: row.CheckedInt64(0), Hold: new TraceHold(row.CheckedInt64(1), row.CheckedInt64(2), row.CheckedInt64(3)))).ToLookup(row => row.Memory, row => row.Hold);
        return MetadataReader.Read(
            connection,
            "SELECT id, process, kind, name, at_ns, resident_bytes, huge_bytes, trim_bytes, missing FROM memory ORDER BY process, at_ns, id",
            row => new TraceMemory(
                ExistingProcess(row.CheckedInt64(1)), StoredWords.SnapshotKind(row.Text(2)), row.Text(3), row.CheckedInt64(4), row.CheckedInt64(5), row.CheckedInt64(6), row.CheckedInt64(7), row.CheckedInt64(8))
            {
                Parts = [.. parts[row.CheckedInt64(0)]],
                Holds = [.. holds[row.CheckedInt64(0)]],
            });
    }

    public TraceControlGroup[] ControlGroups() => !Exists("control_group") ? [] : MetadataReader.Read(
        connection,
        "SELECT process, path, limit_bytes, current_bytes, peak_bytes, kills FROM control_group ORDER BY process",
        row => new TraceControlGroup(ExistingProcess(row.CheckedInt64(0)), row.Text(1), row.CheckedInt64(2), row.NullableInt64(3), row.NullableInt64(4), row.CheckedInt64(5)));

    private bool Exists(string table) =>
        MetadataReader.Read(connection, $"SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '{table}'", _ => true).Length > 0;

    private long ExistingProcess(long id)
    {
        _ = database.IndexOfProcess(id);
        return id;
    }
}
