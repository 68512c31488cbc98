using AllocTrace.Events;

namespace AllocTrace.Storage;

/// <summary>Reads the event log of a process, a block at a time.</summary>
internal sealed class EventReader(TraceDatabase database, ReadConnection connection)
{
    /// <summary>The logs of all processes; none in a recording without events.</summary>
    public static TraceEventLog[] Logs(ReadConnection connection) =>
        MetadataReader.Read(connection, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'event_log'", _ => true).Length == 0
            ? []
            : MetadataReader.Read(
                connection,
                "SELECT process, events, left_out, left_out_ns FROM event_log ORDER BY process",
                row => new TraceEventLog(row.CheckedInt64(0), row.CheckedInt64(1), row.CheckedInt64(2), row.NullableInt64(3)));

    /// <summary>Returns the meaning of the numbers in a process's blocks.</summary>
    public EventNumbers Numbers(TraceProcess process)
    {
        long[] threadIds = [.. database.Threads.Select(thread => thread.Id)], domainIds = [.. database.Domains.Select(domain => domain.Id)];
        return new EventNumbers(
            Rows("event_thread", "thread", reader => TraceDatabase.Existing(database.Path, AscendingIds.Find(threadIds, reader.Int64(1)), reader.Int64(1), "thread")),
            Rows("event_domain", "domain", reader => TraceDatabase.Existing(database.Path, AscendingIds.Find(domainIds, reader.Int64(1)), reader.Int64(1), "domain")),
            Rows("event_stack", "stack, interpreter", reader => (
                TraceDatabase.Existing(database.Path, database.Stacks.IndexOf(reader.Int64(1)), reader.Int64(1), "stack"), reader.Int64(2))));

        Dictionary<long, T> Rows<T>(string table, string columns, Func<StatementReader, T> row)
        {
            var rows = new Dictionary<long, T>();
            using var reader = new StatementReader(connection, $"SELECT number, {columns} FROM {table} WHERE process = ?", process.Id);
            while (reader.Read())
                rows.Add(reader.Int64(0), row(reader));

            return rows;
        }
    }

    /// <summary>Returns the number of blocks that a process has.</summary>
    public long Count(TraceProcess process)
    {
        using var reader = new StatementReader(connection, "SELECT count(*) FROM event_block WHERE process = ?", process.Id);
        return reader.Read() ? reader.Int64(0) : 0;
    }

    /// <summary>A block of a process.</summary>
    /// <exception cref="InvalidTraceException">It is missing or damaged.</exception>
    public EventBlock Block(TraceProcess process, long position)
    {
        using var reader = new StatementReader(connection, "SELECT events, content FROM event_block WHERE process = ? AND position = ?", process.Id, position);
        if (!reader.Read())
            throw Damaged(process, position, "it is missing");

        try
        {
            var block = EventBlock.Decompress(reader.Blob(1));
            return block.Tags.Length == reader.Int64(0) ? block : throw new InvalidDataException($"it has {block.Tags.Length} events, but its row says {reader.Int64(0)}");
        }
        catch (InvalidDataException e)
        {
            throw Damaged(process, position, e.Message);
        }
    }

    /// <summary>Creates the exception for a block that cannot be used.</summary>
    public InvalidTraceException Damaged(TraceProcess process, long position, string what) =>
        new(database.Path, $"damaged: block {position} of the event log of process {process.Pid}: {what.ReplaceLineEndings(" ").TrimEnd('.', ' ')}");
}

/// <summary>Maps the numbers in the blocks of a process to indices in the tables of <see cref="TraceDatabase"/>, and CPython's number of the interpreter.</summary>
internal sealed record EventNumbers(IReadOnlyDictionary<long, int> Threads, IReadOnlyDictionary<long, int> Domains, IReadOnlyDictionary<long, (int Stack, long Interpreter)> Stacks);
