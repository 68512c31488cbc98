using AllocTrace.Stacks;

namespace AllocTrace.Storage;

/// <summary>Reads the tables of crashes.</summary>
internal static class CrashReader
{
    public static TraceCrash[] Read(ReadConnection connection)
    {
        var threads = Threads(connection);
        var allocations = Allocations(connection);
        var cFrames = CFrames(connection);
        return MetadataReader.Read(
            connection,
            """
            SELECT process, signal, name, code, address, sender_pid, at_ns, os_id, collecting, threads, nested_signal, complete
            FROM crash ORDER BY process
            """,
            row => new TraceCrash(
                row.CheckedInt64(0),
                row.CheckedInt64(1),
                row.Text(2),
                row.CheckedInt64(3),
                row.NullableInt64(4),
                row.NullableInt64(5),
                row.CheckedInt64(6),
                row.CheckedInt64(7),
                row.CheckedInt64(8) != 0,
                row.CheckedInt64(9),
                row.NullableInt64(10),
                row.CheckedInt64(11) != 0)
            {
                Threads = [.. threads[row.CheckedInt64(0)]],
                CFrames = [.. cFrames[row.CheckedInt64(0)].Select(each => each.Frame)],
                MergedFrames = CrashFrames.Merge(
                    threads[row.CheckedInt64(0)].FirstOrDefault(thread => thread.HasCrashed)?.Frames ?? [], [.. cFrames[row.CheckedInt64(0)].Select(each => each.Frame)]),
                IsCStackCut = cFrames[row.CheckedInt64(0)].Any(each => each.IsCut),
                Allocations = [.. allocations[row.CheckedInt64(0)]],
            });
    }

    /// <summary>Reads the threads of each process, with their stacks.</summary>
    private static ILookup<long, CrashedThread> Threads(ReadConnection connection)
    {
        var frames = MetadataReader.Read(
            connection,
            "SELECT thread, filename, line, function FROM crash_frame ORDER BY thread, position DESC",
            row => (Thread: row.CheckedInt64(0), Frame: new StackFrame(row.Text(1), checked((int)row.CheckedInt64(2)), row.Text(3)))).ToLookup(row => row.Thread, row => row.Frame);
        return MetadataReader.Read(
            connection,
            "SELECT process, id, os_id, identifier, name, interpreter, crashed, depth, faulted FROM crash_thread ORDER BY id",
            row => (Process: row.CheckedInt64(0), Thread: new CrashedThread(
                row.NullableInt64(2),
                unchecked((ulong)row.Int64(3)),
                row.Text(4),
                row.NullableInt64(5),
                row.CheckedInt64(6) != 0,
                row.CheckedInt64(7),
                row.CheckedInt64(8) != 0,
                [.. frames[row.CheckedInt64(1)]]))).ToLookup(row => row.Process, row => row.Thread);
    }

    /// <summary>Reads the C stacks. An older recording has none.</summary>
    private static ILookup<long, (long Process, CrashedCFrame Frame, bool IsCut)> CFrames(ReadConnection connection)
    {
        var columns = MetadataReader.Read(connection, "SELECT name FROM pragma_table_info('crash_c_frame')", row => row.Text(0));
        var isOlder = columns.Length == 0;
        var pythonFrames = columns.Contains("python_frames") ? "python_frames" : "NULL";
        return (isOlder ? [] : MetadataReader.Read(
            connection,
            $"SELECT process, path, offset, function, is_cut, {pythonFrames} FROM crash_c_frame ORDER BY process, position",
            row => (Process: row.CheckedInt64(0), Frame: new CrashedCFrame(row.Text(1), row.Int64(2), row.Text(3)) { PythonFrames = row.NullableInt64(5) }, IsCut: row.CheckedInt64(4) != 0))).ToLookup(row => row.Process);
    }

    /// <summary>Reads the last allocations of each process.</summary>
    private static ILookup<long, LastAllocation> Allocations(ReadConnection connection) => MetadataReader.Read(
        connection,
        """
        SELECT crash_allocation.process, kind, domain.name, bytes, address, filename, line, qualname
        FROM crash_allocation JOIN domain ON domain.id = domain LEFT JOIN stack ON stack.id = stack LEFT JOIN code ON code.id = stack.code
        ORDER BY crash_allocation.process, position
        """,
        row => (Process: row.CheckedInt64(0), Allocation: new LastAllocation(
            StoredWords.AllocationKind(row.Text(1)),
            row.Text(2),
            row.CheckedInt64(3),
            unchecked((ulong)row.Int64(4)),
            row.IsNull(5) ? null : new StackFrame(row.Text(5), checked((int)row.CheckedInt64(6)), row.Text(7))))).ToLookup(row => row.Process, row => row.Allocation);
}
