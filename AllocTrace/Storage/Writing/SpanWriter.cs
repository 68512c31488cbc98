using AllocTrace.Replay;
using AllocTrace.Wire;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Writes what samples allocated for spans. The tables for that are made with the first process that published a context.</summary>
/// <param name="connection">Open, with the schema's tables, within a transaction; not owned.</param>
internal sealed unsafe class SpanWriter(WriteConnection connection) : IDisposable
{
    private RawInsert? _span, _context;

    /// <summary>Writes the spans of a process whose slices and sites are written.</summary>
    /// <param name="process">The process's row.</param>
    /// <param name="session">Its session.</param>
    /// <param name="spans">Its sums.</param>
    /// <param name="firstSlice">The row of its first slice.</param>
    /// <param name="firstSite">The offset from the number of a site in the process to its row.</param>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Add(long process, SessionFile session, SpanSums spans, long firstSlice, long firstSite)
    {
        var unread = (long)session.Header->UnreadContexts;
        if (spans.Samples == 0 && unread == 0)
            return;

        Begin();
        _context!.Add(process, spans.Samples, spans.NotKept, unread);
        foreach (var ((slice, site, span), sum) in spans.All)
            _span!.Add(firstSlice + slice, firstSite + site, span.TraceId, span.SpanId, sum.Samples, sum.Allocated.Bytes, sum.Allocated.Blocks);
    }

    public void Dispose()
    {
        _span?.Dispose();
        _context?.Dispose();
    }

    private void Begin()
    {
        if (_span is not null)
            return;

        connection.Execute(TraceWriter.Schema("spans.sql"));
        _span = new RawInsert(connection, "slice_span", columns: 7);
        _context = new RawInsert(connection, "trace_context", columns: 4);
    }
}
