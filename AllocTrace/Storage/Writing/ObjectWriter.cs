using AllocTrace.Objects;

using Microsoft.Data.Sqlite;

namespace AllocTrace.Storage;

/// <summary>Writes the types and holders of the blocks of snapshots. The tables for them are made with the first.</summary>
/// <param name="connection">Open, with the schema's tables, within a transaction; not owned.</param>
internal sealed class ObjectWriter(WriteConnection connection)
{
    /// <summary>The size of a part of the graph: far below what a reader accepts as one value.</summary>
    private const int GraphPartBytes = 4 << 20;

    private bool _hasTables;

    /// <summary>Writes them for one snapshot.</summary>
    /// <param name="snapshot">The snapshot's number in the database.</param>
    /// <param name="contents">The types and holders.</param>
    /// <param name="firstSite">The offset from the number of a site in the process to that in the database.</param>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public void Add(long snapshot, ObjectContents contents, long firstSite)
    {
        if (!_hasTables)
            connection.Execute(TraceWriter.Schema("objects.sql"));

        _hasTables = true;
        using var snapshotRow = new RawInsert(connection, "object_snapshot", columns: 4);
        using var typeRow = new RawInsert(connection, "object_type", columns: 7);
        using var holderRow = new RawInsert(connection, "holder", columns: 9);
        using var garbageRow = new RawInsert(connection, "garbage", columns: 5);
        snapshotRow.Add(snapshot, contents.Method.Word(), contents.PauseNs, contents.Note);
        foreach (var row in contents.Rows)
            typeRow.Add(snapshot, firstSite + row.Site, row.Type, row.Kind, row.Blocks, row.Bytes, row.Retained);
        using (var siteRow = new RawInsert(connection, "object_site", columns: 3))
        {
            foreach (var (site, retained) in contents.RetainedBySite)
                siteRow.Add(snapshot, firstSite + site, retained);
        }

        foreach (var row in contents.Holders)
            holderRow.Add(snapshot, firstSite + row.Site, row.Type, row.Path, row.PrivatePath, row.Blocks, row.Of, row.Bytes, row.Retained);
        foreach (var row in contents.Garbage)
            garbageRow.Add(snapshot, firstSite + row.Site, row.Type, row.Blocks, row.Bytes);

        if (contents.Graph is not { } graph)
            return;

        using var graphRow = new RawInsert(connection, "object_graph", columns: 3);
        foreach (var (position, part) in graph.Parts(GraphPartBytes).Index())
            graphRow.Add(snapshot, position, part);
    }
}
