using AllocTrace.Events;
using AllocTrace.Replay;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Writes the event logs of processes. The tables for them are made with the first.</summary>
/// <param name="connection">Open, with the schema's tables, within a transaction; not owned.</param>
internal sealed unsafe class EventWriter(WriteConnection connection)
{
    private bool _hasTables;

    /// <summary>Writes a log.</summary>
    /// <param name="process">The process's number in the database.</param>
    /// <param name="log">Finished.</param>
    /// <param name="replay">The replay of the same process.</param>
    /// <param name="threads">The rows of its threads.</param>
    /// <param name="domains">The rows of its domains.</param>
    /// <param name="places">The places of its sites.</param>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public void Add(long process, EventLog log, ProcessReplay replay, ThreadRows threads, long[] domains, SitePlace[] places)
    {
        if (!_hasTables)
            connection.Execute(TraceWriter.Schema("events.sql"));

        _hasTables = true;
        using var logRow = new RawInsert(connection, "event_log", columns: 4);
        using var blockRow = new RawInsert(connection, "event_block", columns: 6);
        logRow.Add(process, log.Events, log.LeftOut, log.LeftOutNs);
        for (var block = 0; block < log.Blocks.Count; block++)
        {
            var (events, firstNs, lastNs) = log.Blocks[block];
            blockRow.Add(process, block, events, firstNs, lastNs, log.Block(block));
        }

        AddNumbers(process, replay, threads, domains, places);
    }

    private void AddNumbers(long process, ProcessReplay replay, ThreadRows threads, long[] domains, SitePlace[] places)
    {
        using var threadRow = new RawInsert(connection, "event_thread", columns: 3);
        using var domainRow = new RawInsert(connection, "event_domain", columns: 3);
        using var stackRow = new BatchInsert(connection, "event_stack", columns: 5);
        foreach (var thread in replay.Threads)
            threadRow.Add(process, thread.Index, threads.First(thread.Index));

        foreach (var domain in ProcessWriter.DomainsOf(replay))
            domainRow.Add(process, domain, domains[domain]);

        // An inherited site's stack is a number in another process's session.
        var written = new HashSet<uint>();
        foreach (var site in ProcessWriter.SitesOf(replay).SkipWhile(site => site <= replay.Inherited.Length))
        {
            var stack = replay.Sites.History[site].Stack;
            if (written.Add(stack))
                stackRow.Add(process, stack, places[site].Stack, places[site].Interpreter, places[site].Expression);
        }

        stackRow.Flush();
    }
}
