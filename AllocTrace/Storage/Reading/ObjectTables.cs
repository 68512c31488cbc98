namespace AllocTrace.Storage;

/// <summary>Reads the types and holders of blocks, of recordings that have them.</summary>
internal sealed class ObjectTables(TraceDatabase database, ReadConnection connection)
{
    /// <summary>The snapshots that have them; none in a recording without.</summary>
    public static TraceObjects[] Snapshots(ReadConnection connection) =>
        MetadataReader.Read(connection, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'object_snapshot'", _ => true).Length == 0
            ? []
            : MetadataReader.Read(
                connection,
                "SELECT snapshot, method, pause_ns, note FROM object_snapshot ORDER BY snapshot",
                row => new TraceObjects(row.CheckedInt64(0), row.Text(1), row.CheckedInt64(2), row.Text(3)));

    /// <summary>Reads the types of blocks in all snapshots, each once; the first is "not known".</summary>
    public static BlockType[] Types(ReadConnection connection) =>
        [default, .. MetadataReader.Read(connection, "SELECT DISTINCT type, kind FROM object_type ORDER BY type, kind", row => new BlockType(row.Text(0), row.Text(1)))];

    /// <summary>The live blocks of a snapshot by site and type, in the order of sites. Each is the site with the bytes and blocks of one type.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="rows">Gets a row for each.</param>
    public SiteTable Typed(TraceSnapshot snapshot, List<TypeOfSite> rows)
    {
        var numbers = database.BlockTypes.Select((type, number) => (type, number)).ToDictionary(pair => pair.type, pair => pair.number);
        var sites = new SiteTable();
        var previous = -1L;
        using var reader = new StatementReader(
            connection,
            """
            SELECT object_type.site, type, kind, bytes, blocks, object_type.retained, object_site.retained
            FROM object_type LEFT JOIN object_site ON object_site.snapshot = object_type.snapshot AND object_site.site = object_type.site
            WHERE object_type.snapshot = ? ORDER BY object_type.site
            """,
            snapshot.Id);
        while (reader.Read())
        {
            var isFirst = reader.Int64(0) != previous;
            previous = reader.Int64(0);
            var site = database.Sites.Sites[IndexOfSite(reader.Int64(0))];
            sites.Add(site with { Bytes = reader.CheckedInt64(3), Blocks = reader.CheckedInt64(4), IsInherited = site.Blocks > 0, TypeRow = rows.Count });
            rows.Add(new TypeOfSite(numbers[new BlockType(reader.Text(1), reader.Text(2))], reader.NullableInt64(5) ?? 0, isFirst ? reader.NullableInt64(6) ?? 0 : 0));
        }

        return sites;
    }

    /// <summary>The holders of a snapshot.</summary>
    public List<TraceHolder> Holders(TraceSnapshot snapshot)
    {
        var rows = new List<TraceHolder>();
        using var reader = new StatementReader(
            connection, "SELECT site, type, path, private_path, blocks, of_blocks, bytes, retained FROM holder WHERE snapshot = ? ORDER BY blocks DESC", snapshot.Id);
        while (reader.Read())
        {
            rows.Add(new TraceHolder(
                snapshot.Id, IndexOfSite(reader.Int64(0)), reader.Text(1), reader.Text(2), reader.Text(3), reader.CheckedInt64(4), reader.CheckedInt64(5),
                reader.CheckedInt64(6), reader.NullableInt64(7)));
        }

        return rows;
    }

    /// <summary>The garbage of a snapshot, most bytes first.</summary>
    public List<TraceGarbage> Garbage(TraceSnapshot snapshot)
    {
        var rows = new List<TraceGarbage>();
        using var reader = new StatementReader(connection, "SELECT site, type, blocks, bytes FROM garbage WHERE snapshot = ? ORDER BY bytes DESC", snapshot.Id);
        while (reader.Read())
            rows.Add(new TraceGarbage(snapshot.Id, IndexOfSite(reader.Int64(0)), reader.Text(1), reader.CheckedInt64(2), reader.CheckedInt64(3)));

        return rows;
    }

    /// <summary>Copies the graph of a snapshot unchanged.</summary>
    /// <returns><see langword="false"/> when there is none.</returns>
    public bool CopyGraph(TraceSnapshot snapshot, Stream target)
    {
        var any = false;
        using var reader = new StatementReader(connection, "SELECT content FROM object_graph WHERE snapshot = ? ORDER BY position", snapshot.Id);
        for (; reader.Read(); any = true)
            target.Write(reader.Blob(0));

        return any;
    }

    private int IndexOfSite(long id) => TraceDatabase.Existing(database.Path, database.Sites.IndexOf(id), id, "site");
}
